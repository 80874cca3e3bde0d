"""Compiled loops; the only module that knows numba.

The decorated function is compiled at its first call, so that importing mitate stays quick, and the
machine code is kept beside the source or in the user's cache directory. Where neither can be
written it is compiled anew in every process.
"""

from __future__ import annotations

import functools
import inspect
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


def emit(signature: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let compiled functions call what the decorated function writes as LLVM instructions.

    The function gets an LLVM IR builder and one LLVM value for each argument of `signature`, a
    numba signature such as "int64(uintp, int32)", and returns the LLVM value of the result. Only
    compiled functions may call it, and numba compiles those again only when their own file changes.
    """

    def decorate(write: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(write)
        def call(*args: Any) -> Any:
            raise TypeError(f"{write.__name__} can be called from compiled functions only")

        call.compiled = functools.cache(lambda: _intrinsic(write, signature))  # type: ignore[attr-defined]
        return call

    return decorate


def _intrinsic(write: Callable[..., Any], text: str) -> Any:
    from numba.core.sigutils import normalize_signature
    from numba.extending import intrinsic

    arguments, result = normalize_signature(text)  # type: ignore[no-untyped-call]
    signature = result(*arguments)

    def typing(*types: Any) -> Any:
        return signature, lambda _context, builder, _signature, values: write(builder, *values)

    typing.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for name in inspect.signature(write).parameters
        ]
    )
    typing.__name__ = write.__name__
    return intrinsic(typing)


def processor_features() -> frozenset[str]:
    """Return the instruction sets that compiled functions may use, as LLVM names them."""
    from numba.core.registry import cpu_target

    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return frozenset(name[1:] for name in features.split(",") if name.startswith("+"))


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
