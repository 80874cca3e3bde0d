"""Compiled loops; the only module that knows numba.

The decorated function is compiled at its first call, so that importing mitate stays quick, and the
machine code is kept beside the source or in the user's cache directory. Where neither can be
written it is compiled anew in every process.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` with numba, without the GIL, when it is first called.

    Arithmetic stays exactly that of the source: no fast-math, so no fused multiply-add. A compiled
    function may call others of its module that are decorated before it or after it.
    """

    @functools.cache
    def compiled() -> Any:
        return _compile(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        result: R = compiled()(*args, **kwargs)
        return result

    call.compiled = compiled  # type: ignore[attr-defined]
    return call


def _compile(function: Callable[..., Any]) -> Any:
    from numba import njit

    function = _calling_compiled(function)
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return njit(nogil=True)(function)


def _calling_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with the decorated functions that it calls replaced by compiled ones."""
    names = function.__code__.co_names
    known: dict[str, Any] = {name: function.__globals__.get(name) for name in names}
    helpers = {name: f.compiled() for name, f in known.items() if hasattr(f, "compiled")}
    if not helpers:
        return function
    bound = FunctionType(function.__code__, function.__globals__ | helpers, function.__name__)
    return functools.wraps(function)(bound)
