"""What the three calls return: an answer of Webex, whether it said yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from attrs import field, frozen

from .._errors import ApiError, AuthenticationError
from .base import Record
from .dataframe import to_dataframe
from .enums import Disposition
from .html import failure, table
from .sessions import UserSession

if TYPE_CHECKING:
    import pandas

SUCCESS = "SUCCESS"
FAILURE = "FAILURE"


@frozen(kw_only=True, repr=False)
class HistoryData(Record):
    """The data of a :class:`JanusResponseEvent`.

    Attributes:
        user_sessions: the sessions; ``None`` when Webex said no.
        error: why it said no; ``None`` when it did not.
    """

    user_sessions: tuple[UserSession, ...] | None = None
    error: str | None = None


@frozen(kw_only=True, repr=False)
class ReadStatusData(Record):
    """The data of an :class:`UpdateMissedCallsResponse`.

    Attributes:
        read_status_message: what was done; ``None`` when Webex said no.
        error: why it said no; ``None`` when it did not.
    """

    read_status_message: str | None = None
    error: str | None = None


@frozen(kw_only=True, repr=False)
class DeleteStatusData(Record):
    """The data of a :class:`DeleteCallHistoryRecordsResponse`.

    Attributes:
        delete_status_message: what was done; ``None`` when Webex said no.
        error: why it said no; ``None`` when it did not.
    """

    delete_status_message: str | None = None
    error: str | None = None


@frozen(kw_only=True)
class _Response:
    """An answer of Webex.

    Attributes:
        status_code: the HTTP status, or the ``statusCode`` of the body where that differs.
        message: ``"SUCCESS"`` or ``"FAILURE"``.
        tracking_id: what Webex support asks for; ``None`` when no request was made.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        reason: why a token that Webex refused was not refreshed, or ``None``.
    """

    status_code: int
    message: str | None = None
    tracking_id: str | None = field(default=None, eq=False)
    retry_after: float | None = field(default=None, eq=False)
    reason: str | None = field(default=None, eq=False)

    @property
    def ok(self) -> bool:
        """Whether Webex said yes."""
        return 200 <= self.status_code < 300

    def __bool__(self) -> bool:
        return self.ok

    def _raise_for(self, error: str | None) -> None:
        if self.ok:
            return
        kind = AuthenticationError if self.status_code == 401 else ApiError
        raise kind(
            self.status_code,
            error or f"{self.status_code} Exception has occurred",
            tracking_id=self.tracking_id,
            retry_after=self.retry_after,
            reason=self.reason,
        )


@frozen(kw_only=True, repr=False)
class JanusResponseEvent(_Response, Sequence[UserSession]):
    """A page of the call history, and a sequence of its sessions.

    Iterating, indexing or measuring a failed one raises what :meth:`raise_for_status` does, so a
    failure can't pass for an empty history. It is true when Webex said yes, also when it is empty.

    Attributes:
        status_code: the HTTP status, or the ``statusCode`` of the body where that differs.
        data: the sessions, or the error.
        message: ``"SUCCESS"`` or ``"FAILURE"``.
        tracking_id: what Webex support asks for.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        reason: why a token that Webex refused was not refreshed, or ``None``.
    """

    data: HistoryData

    def raise_for_status(self) -> None:
        """Do nothing if Webex said yes.

        Raises:
            AuthenticationError: it said 401.
            ApiError: it said no.
        """
        self._raise_for(self.data.error)

    @property
    def _sessions(self) -> tuple[UserSession, ...]:
        self.raise_for_status()
        return self.data.user_sessions or ()

    def __iter__(self) -> Iterator[UserSession]:
        return iter(self._sessions)

    def __len__(self) -> int:
        return len(self._sessions)

    @overload
    def __getitem__(self, index: int) -> UserSession: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[UserSession, ...]: ...
    def __getitem__(self, index: int | slice) -> UserSession | tuple[UserSession, ...]:
        return self._sessions[index]

    def __repr__(self) -> str:
        """Show counts, not a page of records."""
        if not self.ok:
            shown = f"error={self.data.error!r}"
        else:
            missed = [s for s in self if s.disposition == Disposition.MISSED]
            unread = sum(not s.is_read for s in missed)
            shown = f"{len(self)} sessions, {len(missed)} missed, {unread} of them unread"
        return f"<{type(self).__name__} {self.status_code} {self.message}: {shown}>"

    def _repr_html_(self) -> str:
        """Show a table in a notebook, or what Webex said."""
        if not self.ok:
            return failure(self.status_code, self.data.error, self.tracking_id)
        return table(self._sessions)

    def to_dataframe(self) -> pandas.DataFrame:
        """Make a pandas DataFrame of its sessions; see :func:`callhistory.to_dataframe`.

        Raises:
            ApiError, AuthenticationError: Webex said no.
            ImportError: pandas is not installed; it comes with ``callhistory[pandas]``.
        """
        return to_dataframe(self._sessions)


@frozen(kw_only=True)
class UpdateMissedCallsResponse(_Response):
    """Whether the missed calls are marked read.

    Attributes:
        status_code: the HTTP status, or the ``statusCode`` of the body where that differs.
        data: what was done, or the error.
        message: ``"SUCCESS"`` or ``"FAILURE"``.
        tracking_id: what Webex support asks for; ``None`` when no request was made.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        reason: why a token that Webex refused was not refreshed, or ``None``.
    """

    data: ReadStatusData

    def raise_for_status(self) -> None:
        """Do nothing if Webex said yes.

        Raises:
            AuthenticationError: it said 401.
            ApiError: it said no.
        """
        self._raise_for(self.data.error)


@frozen(kw_only=True)
class DeleteCallHistoryRecordsResponse(_Response):
    """Whether the records are deleted.

    Attributes:
        status_code: the HTTP status, or the ``statusCode`` of the body where that differs.
        data: what was done, or the error.
        message: ``"SUCCESS"`` or ``"FAILURE"``.
        tracking_id: what Webex support asks for; ``None`` when no request was made.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        reason: why a token that Webex refused was not refreshed, or ``None``.
    """

    data: DeleteStatusData

    def raise_for_status(self) -> None:
        """Do nothing if Webex said yes.

        Raises:
            AuthenticationError: it said 401.
            ApiError: it said no.
        """
        self._raise_for(self.data.error)
