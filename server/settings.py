"""The settings of the server, each with the same name everywhere.

`max_picture_bytes` is that key in the TOML file, MITATE_MAX_PICTURE_BYTES in the environment and
--max-picture-bytes on the command line. A flag wins over the environment, the environment over the
file, the file over the default.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_type_hints

from mitate.kernels.errors import SettingsError
from mitate.server.setting_values import check_value

MESSAGE_OVERHEAD_BYTES = 1 << 16  # what a message holds beside its picture

_DAY_S = 24 * 3600
_TOGETHER = (  # the first needs the second
    ("tls_certificate", "tls_key"),
    ("tls_key", "tls_certificate"),
    ("tls_client_ca", "tls_certificate"),
    ("tls_client_ca", "identities"),
    ("jwt_keys", "jwt_issuer"),
)


def _setting(help_: str, default: object, **rules: object) -> Any:
    return field(default=default, metadata={"help": help_, **rules})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the help of each field is in its metadata."""

    data: Path = field(
        metadata={"help": "Folder of the catalog and the signature files; made if missing."}
    )
    listen: str = _setting(
        "Address to answer at, HOST:PORT; port 0 takes a free one.", "127.0.0.1:50061", address=True
    )
    tls_certificate: Path | None = field(
        default=None,
        metadata={"help": "Server certificate chain, a PEM file; with tls_key it turns TLS on."},
    )
    tls_key: Path | None = field(
        default=None, metadata={"help": "Private key of tls_certificate, a PEM file."}
    )
    tls_client_ca: Path | None = field(
        default=None,
        metadata={"help": "Authorities of client certificates, a PEM file; others cannot connect."},
    )
    identities: Path | None = field(
        default=None,
        metadata={
            "help": "API keys, hashed, and client certificates with their scopes, a TOML file."
        },
    )
    jwt_keys: Path | None = field(
        default=None, metadata={"help": "Public keys of JSON Web Tokens, a JWKS or PEM file."}
    )
    jwt_issuer: str = _setting("Issuer that a JSON Web Token must name.", "")
    jwt_audience: str = _setting("Audience that a JSON Web Token must name.", "mitate")
    allow_anonymous: bool = _setting(
        "Answer anybody on an address that other machines reach.", False
    )
    allow_plaintext: bool = _setting(
        "Take tokens without TLS on an address that other machines reach.", False
    )
    audit_log: Path | None = field(
        default=None,
        metadata={"help": "File that gets a line of JSON for each change; else the log has them."},
    )
    index: Literal["auto", "native", "gpu", "faiss", "numpy"] = _setting(
        "What searches: native (auto is the same), gpu for all GPUs of the machine, faiss where it "
        "is installed, or numpy.",
        "auto",
    )
    search_threads: int = _setting(
        "Threads that share a large search; 0 is one for each processor core.",
        0,
        low=0,
        high=1024,
    )
    max_opened_runs: int = _setting(
        "Runs of similar frames that a search may look into for each query vector; 0 is all that "
        "can matter. Answers for which it was not enough say that they are not exact.",
        0,
        low=0,
        high=2**31 - 1,
    )
    workers: int = _setting(
        "Decoding processes; 0 is one for each processor core, and with video_decoder gpu at least "
        "one for each NVDEC engine.",
        0,
        low=0,
        high=1024,
    )
    video_decoder: Literal["cpu", "gpu"] = _setting(
        "What decodes videos: cpu, or gpu for NVDEC where it can and the CPU for the rest.", "cpu"
    )
    video_device: int = _setting(
        "Number of the GPU that decodes videos, with video_decoder gpu.", 0, low=0, high=1023
    )
    worker_memory_bytes: int = _setting(
        "Address space that a decoding process may use, or memory if it uses a GPU; 0 is no limit.",
        4 * 2**30,
        low=0,
        high=2**50,
    )
    worker_stall_s: float = _setting(
        "Time without progress after which a decoding process is ended.", 60.0, low=1, high=_DAY_S
    )
    worker_cpu_s: float = _setting(
        "Processor time after which a decoding process is ended, for each file.",
        float(_DAY_S),
        low=1,
        high=30 * _DAY_S,
    )
    media_roots: tuple[Path, ...] = _setting(
        "Folders whose files the server may read when a caller names them, with : between them; "
        "none means that files must be uploaded.",
        (),
    )
    max_picture_bytes: int = _setting(
        "Largest picture in a request.", 25_000_000, low=1, high=2**31 - 1
    )
    max_upload_bytes: int = _setting("Largest uploaded file.", 64 * 10**9, low=1, high=2**50)
    upload_stall_s: float = _setting(
        "Time without a chunk after which an upload is broken off.", 60.0, low=1, high=_DAY_S
    )
    max_message_bytes: int = _setting(
        "Largest request message; a picture has to fit into it.", 64 * 2**20, low=1, high=2**31 - 1
    )
    max_pixels: int = _setting(
        "Largest video frame, width times height.", 2**25, low=64, high=2**32
    )
    max_still_pixels: int = _setting(
        "Largest picture, width times height.", 2**26, low=64, high=2**32
    )
    max_video_s: float = _setting(
        "Longest video that can be added.", float(_DAY_S), low=1, high=30 * _DAY_S
    )
    max_query_video_s: float = _setting(
        "Longest video that can be searched or scanned.", 4 * 3600.0, low=1, high=30 * _DAY_S
    )
    max_queue_signatures: int = _setting(
        "Signatures that may wait to be searched before requests are refused.",
        65_536,
        low=1,
        high=2**31 - 1,
    )
    max_queue_bytes: int = _setting(
        "Pictures that may wait to be decoded and searched before more are refused.",
        512 * 2**20,
        low=1,
        high=2**40,
    )
    max_loop_lag_s: float = _setting(
        "How late the event loop may be before requests are refused; for bulk half of it.",
        2.0,
        low=0.01,
        high=3600,
    )
    caller_signatures_per_s: float = _setting(
        "Signatures that each caller may search per second, ten seconds' worth at once; a picture "
        "counts as 16, a second of a clip as 10; 0 is no quota.",
        0.0,
        low=0,
        high=1e9,
    )
    max_queue_operations: int = _setting(
        "Files that may wait to be added or scanned before more are refused.",
        10_000,
        low=1,
        high=10**7,
    )
    views: Literal["fast", "normal", "thorough"] = _setting(
        "How many parts of a queried picture are searched: fast, normal or thorough.", "normal"
    )
    false_alarm_rate: float = _setting(
        "Share of pictures from nothing indexed that may be answered by a match.",
        0.001,
        low=1e-6,
        high=0.5,
    )
    drain_s: float = _setting(
        "Time that running requests get to finish when the server stops.",
        30.0,
        low=0,
        high=3600,
    )
    drain_delay_s: float = _setting(
        "Time for which a stopping server still takes calls, so that balancers can notice.",
        0.0,
        low=0,
        high=600,
    )
    metrics_listen: str = _setting(
        "Address of an HTTP port with /metrics, /livez and /readyz, HOST:PORT; none without it.",
        "",
        address=True,
    )
    trace_endpoint: str = _setting(
        "Where traces go, the OTLP address of a collector such as http://127.0.0.1:4317.", ""
    )
    trace_share: float = _setting(
        "Share of the calls that begin a trace; a caller's own trace is always gone on with.",
        0.01,
        low=0,
        high=1,
    )
    log_format: Literal["text", "json"] = _setting("Form of the log on stderr.", "text")
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "Least severe messages that are logged.", "info"
    )

    def __post_init__(self) -> None:
        for name, item in setting_fields().items():
            check_value(item, setting_types()[name], getattr(self, name))
        least = self.max_picture_bytes + MESSAGE_OVERHEAD_BYTES
        if self.max_message_bytes < least:
            raise SettingsError(
                f"max_message_bytes is {self.max_message_bytes}; at least {least} is allowed, so "
                f"that a picture of max_picture_bytes fits"
            )
        for one, other in _TOGETHER:
            if getattr(self, one) and not getattr(self, other):
                raise SettingsError(f"{one} is set without {other}, which it needs")


@cache
def setting_fields() -> dict[str, Field[Any]]:
    """Return the fields of all settings by name."""
    return {item.name: item for item in fields(Settings)}


@cache
def setting_types() -> dict[str, Any]:
    """Return the types of all settings by name."""
    return get_type_hints(Settings)
