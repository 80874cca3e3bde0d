"""TLS credentials whose certificate, key and authorities are read again when they change."""

from __future__ import annotations

import ssl
from pathlib import Path

import grpc

from mitate.kernels.errors import SettingsError
from mitate.server.reloading import Reloading, read_file
from mitate.server.settings import Settings


class Certificates:
    """What gRPC asks for before each handshake."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        paths = [path for path in (certificate, key, client_ca) if path is not None]
        self._configuration = Reloading(paths, self._read, check_s=0.0)
        self._handed_out = self._configuration.value

    @property
    def current(self) -> grpc.ServerCertificateConfiguration:
        """The configuration in force."""
        return self._handed_out

    def news(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the configuration when it differs from what was handed out last."""
        configuration = self._configuration.value
        if configuration is self._handed_out:
            return None
        self._handed_out = configuration
        return configuration

    def _read(self) -> grpc.ServerCertificateConfiguration:
        certificate = read_file(self._certificate, "certificate")
        key = read_file(self._key, "private key")
        ca = self._client_ca
        authorities = read_file(ca, "client authorities") if ca is not None else None
        _check(self._certificate, self._key, self._client_ca)
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=authorities
        )


def server_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """Return the credentials that the settings ask for, None for plain text.

    Raises:
        SettingsError: a file cannot be read, or certificate and key do not belong together.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    certificates = Certificates(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    return grpc.dynamic_ssl_server_credentials(
        certificates.current,
        certificates.news,  # type: ignore[arg-type]  # None is allowed and says no change
        require_client_authentication=settings.tls_client_ca is not None,
    )


def _check(certificate: Path, key: Path, client_ca: Path | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(
            f"certificate {certificate} and key {key} cannot be used together: {error}"
        ) from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError as error:
            raise SettingsError(f"no certificates in {client_ca}: {error}") from error


def _no_password() -> str:
    raise ValueError("the key has a password; only a key without one can be used")
