"""The outcomes of mutated answers and frames, and the findings: what must not happen."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import Factory, define, field, frozen

from callhistory import to_wire
from callhistory._records.undocumented_fields import surprises

# Words of the protocol, which may stand in an error.
_PUBLIC = re.compile(
    r"[A-Z_]+|[a-z]+[A-Z][a-z]+|[A-Z][a-z]+|\d{4}-\d\d-\d\dT.*|(?:janus|mercury)\.\w+|.{0,5}", re.S
)


@frozen
class Finding:
    """Something that should not have happened.

    Attributes:
        target: what the body was the answer to, or that it was a frame.
        problem: what happened.
        sent: the body or the frame.
    """

    target: str
    problem: str
    sent: str | bytes


@define
class Report:
    """The outcomes and the findings of a run."""

    outcomes: Counter[tuple[str, str]] = field(factory=Counter)
    findings: list[Finding] = field(factory=list)


def private_words(document: Any) -> list[str]:
    """List the texts of a document that are personal or secret."""
    words: set[str] = set()
    for text in _texts(document):
        if not _PUBLIC.fullmatch(text):
            words.update((text, text.removeprefix("+1")))
        if " " in text:
            words.update(part for part in text.split() if len(part) > 4)
    return sorted(words)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _texts(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _texts(inner)


class _Lines(logging.Handler):
    """Keeps what is logged while a body or frame is read."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class _Failures:
    """Keeps the errors that end other threads."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def note(self, told: threading.ExceptHookArgs) -> None:
        """Note an error, as ``threading.excepthook``."""
        self.names.append(f"{told.exc_type.__name__} in a thread")


@frozen
class Watch:
    """The log and the threads, watched during a run."""

    log: _Lines = Factory(_Lines)
    threads: _Failures = Factory(_Failures)

    def take(self, private: list[str]) -> str | None:
        """Return the problem since the last call, if there is one."""
        surprises.forget()  # each warning may come again
        lines, self.log.lines[:] = "\n".join(self.log.lines), []
        names, self.threads.names[:] = self.threads.names[:], []
        if names:
            return names[0]
        leaked = shown(private, lines)
        return f"the log says {leaked!r}" if leaked else None


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch the log and the threads during a block, in which each warning may come again."""
    watch, logger = Watch(), logging.getLogger("callhistory")
    before = logger.level, logger.propagate, threading.excepthook
    logger.addHandler(watch.log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    threading.excepthook = watch.threads.note
    surprises.forget()
    try:
        yield watch
    finally:
        logger.removeHandler(watch.log)
        logger.setLevel(before[0])
        logger.propagate, threading.excepthook = before[1:]
        surprises.forget()


def shown(private: list[str], text: str) -> list[str]:
    """List the private words in a text."""
    return [word for word in private if word in text]


def unusable(record: Any, *uses: Callable[[Any], object]) -> str | None:
    """Return what cannot be done with a record that was read, if there is something."""
    try:
        for use in (repr, lambda one: json.dumps(to_wire(one)), *uses):
            use(record)
    except RecursionError:
        return None  # Python can hold what it reads, but not write it, when it is nested so deep
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        if "nested too deep" in str(error):
            return None
        return f"the {type(record).__name__} cannot be used: {type(error).__name__}: {error}"
    return None
