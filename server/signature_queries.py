"""Signature files that callers bring to be searched, scanned or compared."""

from __future__ import annotations

from pathlib import Path

from mitate.kernels import signature_file
from mitate.kernels.decode import Limits
from mitate.kernels.errors import CorruptData, InvalidSignature
from mitate.kernels.signature import Signature


def read_signature(path: Path, limits: Limits) -> Signature:
    """Read a signature file.

    Raises:
        InvalidSignature: it is damaged, or longer than the limit.
    """
    try:
        signature = signature_file.read(path)
    except CorruptData as error:
        raise InvalidSignature(f"the signature file is damaged: {error.message}") from error
    limit_s = limits.max_duration_s
    if signature.duration_ms > limit_s * 1000:
        raise InvalidSignature(
            f"the signature lasts {signature.duration_ms / 1000:.0f} s; the limit is "
            f"{limit_s} s (max_query_video_s)"
        )
    return signature
