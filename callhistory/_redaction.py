"""The redaction of texts for logs and errors, and errors without their frames."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_MOST_CHARACTERS = 200
# What may identify a person or be a secret: addresses, numbers, and words of 20 characters.
_PRIVATE = re.compile(r"\S*@\S*|\+?\d[\d ().-]{4,}\d|\S{20,}")
_DEPENDENCIES = {"attr", "attrs", "blinker", "cattrs", "requests", "urllib3", "websockets"}
_NOT_THE_USERS = sys.stdlib_module_names | _DEPENDENCIES | {__name__.partition(".")[0]}


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
    functions, as that covers every path below them. What remains are the frames of the user's
    own functions, such as the one that returns the token; one of a session class of the user's
    shows the request that it was to send.
    """

    @functools.wraps(call)
    def entry(*args: P.args, **kwargs: P.kwargs) -> R:
        handled = sys.exception()
        try:
            return call(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - it is raised again
            _keep_frames_of_the_user(error, handled)
            problem = error
        del args, kwargs
        try:
            raise problem
        finally:
            del problem, handled  # or the error and this frame would hold each other

    return entry


def _keep_frames_of_the_user(error: BaseException, handled: BaseException | None) -> None:
    """Remove the other frames from an error and all that is chained to it.

    Args:
        error: the error.
        handled: what the program was handling when it called; it stays as it is.
    """
    links: list[BaseException | None] = [error]
    done = [handled]
    while links:
        link = links.pop()
        if link is not None and not any(link is other for other in done):
            done.append(link)
            links += [link.__cause__, link.__context__]
            # A class of the user's may have another with_traceback().
            BaseException.with_traceback(link, _frames_of_the_user(link.__traceback__))


def _frames_of_the_user(traceback: TracebackType | None) -> TracebackType | None:
    entries = []
    while traceback is not None:
        # Generated functions have no name of a module.
        package = str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package and package not in _NOT_THE_USERS:
            entries.append(traceback)
        traceback = traceback.tb_next
    kept = None
    for entry in reversed(entries):
        kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept
