"""Functions that a notebook's cell defines again take the place of their earlier selves."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any


def replaces(receiver: Any, earlier: Any) -> bool:
    """Return whether a function is an earlier one that a notebook's cell has defined again.

    Lambdas, closures and methods never are: two of the same name need not be the same. Nor is a
    function that is decorated differently than another form of the very same one.
    """
    if not (_is_at_top_level(receiver) and _is_at_top_level(earlier)):
        return False
    same_name: bool = receiver.__qualname__ == earlier.__qualname__
    return same_name and inspect.unwrap(receiver) is not inspect.unwrap(earlier)


def _is_at_top_level(receiver: Any) -> bool:
    if not isinstance(receiver, FunctionType) or receiver.__module__ != "__main__":
        return False
    return receiver.__qualname__.isidentifier()  # no lambda, nor of a class or a function
