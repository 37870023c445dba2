"""Everything that an error shows or holds, to look for secrets in it."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator


def failure_of(call: Callable[[], object]) -> BaseException:
    """Return the error that a call raises. Its first frames are this one and the call's own."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    raise AssertionError("the call did not fail")


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that is chained to it."""
    yield error
    for link in (error.__cause__, error.__context__):
        if link is not None:
            yield from chain(link)


def shown_by(error: BaseException) -> str:
    """Return all text that printing, logging, pickling or inspecting an error may show."""
    parts = []
    for link in chain(error):
        parts += [str(link), repr(link), repr(link.args), repr(vars(link))]
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts += list(told.format())
    parts.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(parts)
