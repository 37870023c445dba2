"""A page of the history: its sessions are read while the text is parsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .._errors import DecodeError
from .decode import hook_for
from .generated_reader import Mismatch
from .json_path import Unreadable
from .json_types import json_type
from .sessions import CallRecordSelf, UserSession
from .strict_json import read_json_with
from .tolerant_reader import expected

_SESSIONS = "userSessions"

# Returns the number of a line, if it is known, from its directory number and from the JSON of
# the response, as far as that is known.
LineNumber = Callable[[str, dict[str, Any]], int | None]


class Page(NamedTuple):
    """What a response for a page of the history says.

    Attributes:
        document: the JSON of the response without its sessions.
        sessions: the sessions that could be read; ``None`` if the response has no array of them.
        problems: an error for each session that could not be read; it names the path.
    """

    document: Any
    sessions: tuple[UserSession, ...] | None
    problems: tuple[DecodeError, ...] = ()


def read_page(body: bytes, line_number: LineNumber | None = None) -> Page:
    """Return the page that a body has.

    Args:
        body: the body of the response.
        line_number: returns the number of a line, for a user on Unified CM. It raises nothing.

    Raises:
        DecodeError: the body is not JSON.
    """
    document, read = read_json_with(body, _SESSIONS, SessionReader(line_number).read)
    if read is None:
        return Page(document=document, sessions=None)
    problems = tuple(
        problem.below(number).below(_SESSIONS).as_decode_error()
        for number, problem in enumerate(read)
        if type(problem) is Unreadable
    )
    if problems:
        read = [session for session in read if type(session) is UserSession]
    return Page(document=document, sessions=tuple(read), problems=problems)


class SessionReader:
    """The reader of a page's sessions, one after another.

    What repeats is kept once: the user's own side, which is the same in most sessions of a page,
    is read once, and the two ids of a session are one string. This saves a twelfth of the time, and
    a quarter of the memory that the sessions keep.

    Args:
        line_number: as for :func:`read_page`.
    """

    def __init__(self, line_number: LineNumber | None = None) -> None:
        self._line_number = line_number
        self._read_session = hook_for(UserSession)
        self._hook_for_side = hook_for(CallRecordSelf)
        # By their length, as the sides of Webex's own calls have one more field, an address of the
        # session, and take turns with those of phone calls: the last side, and one that came twice.
        self._last: dict[int, dict[str, Any]] = {}
        self._repeated: dict[int, tuple[dict[str, Any], CallRecordSelf]] = {}

    def read(self, session: Any, document: dict[str, Any]) -> UserSession | Unreadable:
        """Return a session, or why it cannot be read. Its dict is changed.

        Args:
            session: the JSON of the session.
            document: that of the response, as far as it is known.
        """
        if type(session) is dict:
            side = session.get("self")
            if type(side) is dict:
                try:
                    session["self"] = self._read_side(side, document)
                except RecursionError:
                    session["self"] = self._numbered(side, document)  # too deep to be compared
            session_id = session.get("sessionId")
            if type(session_id) is str and session.get("id") == session_id:
                session["id"] = session_id
        try:
            read: UserSession = self._read_session(session, UserSession)
        except Mismatch:
            return Unreadable(expected(UserSession), json_type(session))
        except Unreadable as error:
            return Unreadable(error.expected, error.found, *error.path)  # without its frames
        return read

    def _read_side(self, side: dict[str, Any], document: dict[str, Any]) -> CallRecordSelf:
        known, record = self._repeated.get(len(side), (None, None))
        if record is not None and side == known:
            return record
        numbered = self._numbered(side, document)
        read: CallRecordSelf = self._hook_for_side(numbered, CallRecordSelf)
        if side == self._last.get(len(side)) and _is_text(side):
            self._repeated[len(side)] = side, read
        self._last[len(side)] = side
        return read

    def _numbered(self, side: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        """Return a side with the number of its line, if that is known."""
        line = side.get("cucmDN")
        if self._line_number is None or type(line) is not str or not line:
            return side
        number = self._line_number(line, document)
        return side if number is None else {**side, "ucmLineNumber": number}


def _is_text(value: Any) -> bool:
    """Return whether a value has no numbers and booleans: ``1 == True == 1.0``, but not in JSON."""
    if type(value) is dict:
        value = [*value.values()]
    if type(value) is list:
        return all(type(inner) is str or _is_text(inner) for inner in value)
    return value is None or type(value) is str
