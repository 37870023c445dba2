"""The mark of public classes and functions: their module is ``callhistory``."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def public(exported: T) -> T:
    """Decorate a class or function so that its module is the package, wherever it is defined.

    Reprs, pickles and documentation then show the name that a user imports. A class with annotated
    attributes needs real annotations for :func:`typing.get_type_hints`, so its module must not use
    ``from __future__ import annotations``.
    """
    exported.__module__ = "callhistory"
    return exported
