"""The mark of what a user may touch: it says ``callhistory`` as its module."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def public(exported: T) -> T:
    """Let a class or function name the package as its module, wherever it is defined.

    Reprs, pickles and documentation then show the name that a user imports. A class with annotated
    attributes needs real annotations for :func:`typing.get_type_hints`, so its module does without
    ``from __future__ import annotations``.
    """
    exported.__module__ = "callhistory"
    return exported
