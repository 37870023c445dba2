"""Functions that a notebook cell defines again replace their earlier versions."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any


def replaces(receiver: Any, earlier: Any) -> bool:
    """Return whether a function is a new version, from a notebook cell, of an earlier one.

    Lambdas, closures and methods never are: two of the same name may differ. Nor are two wrappers
    of the very same function.
    """
    if not (_is_at_top_level(receiver) and _is_at_top_level(earlier)):
        return False
    same_name: bool = receiver.__qualname__ == earlier.__qualname__
    return same_name and inspect.unwrap(receiver) is not inspect.unwrap(earlier)


def _is_at_top_level(receiver: Any) -> bool:
    if not isinstance(receiver, FunctionType) or receiver.__module__ != "__main__":
        return False
    return receiver.__qualname__.isidentifier()  # not a lambda, a method or a closure
