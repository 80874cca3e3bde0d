"""Compiled loops; the only module that knows numba.

The decorated function is compiled at its first call, so that importing mitate stays quick, and the
machine code is kept beside the source or in the user's cache directory. Where neither can be
written it is compiled anew in every process.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` with numba, without the GIL, when it is first called.

    Arithmetic stays exactly that of the source: no fast-math, so no fused multiply-add. A compiled
    function cannot call another decorated one.
    """

    @functools.cache
    def compiled() -> Any:
        return _compile(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        result: R = compiled()(*args, **kwargs)
        return result

    return call


def _compile(function: Callable[..., Any]) -> Any:
    from numba import njit

    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return njit(nogil=True)(function)
