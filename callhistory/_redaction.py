"""The redaction of texts for logs and errors, and errors without their frames."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from ._errors import CallHistoryError

P = ParamSpec("P")
R = TypeVar("R")

_MOST_CHARACTERS = 200
# What may identify a person or be a secret: addresses, numbers, and words of 20 characters.
_PRIVATE = re.compile(r"\S*@\S*|\+?\d[\d ().-]{4,}\d|\S{20,}")


def public_words(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the part of a text that may be shown: printable, and nothing private.

    Args:
        text: a text from outside, such as a reason from Webex.
        secrets: secrets to remove, besides whatever looks like an address, number or secret.
    """
    for secret in secrets:
        text = text.replace(secret, "…")
    text = _PRIVATE.sub("…", " ".join(text.split()))
    return "".join(letter for letter in text if letter.isprintable())[:_MOST_CHARACTERS]


def without_frames(call: Callable[P, R]) -> Callable[P, R]:
    """Decorate a public function: the errors that it raises lose the library's frames.

    Notebooks, test runners and error trackers print the variables of an error's frames, and the
    library's hold tokens, requests and people's calls. The frames are removed in the public
    functions, as that covers every path below them. A ``TypeError``, ``ValueError`` or
    ``RuntimeError`` that was raised outside the library, such as in a function that the user
    passed, keeps its frames.
    """

    @functools.wraps(call)
    def entry(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (CallHistoryError, TypeError, ValueError, RuntimeError) as error:
            if not isinstance(error, CallHistoryError) and not _is_ours(error):
                raise
            problem = error.with_traceback(None)
        del args, kwargs
        raise problem

    return entry


def _is_ours(error: Exception) -> bool:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    name: str = "" if traceback is None else traceback.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0] == __name__.partition(".")[0]
