"""The return values of the three calls: Webex's response, be it a success or a failure."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from attrs import field, fields_dict, frozen

from .._errors import ApiError, refusal
from .._public import public
from .base import Record
from .dataframe import to_dataframe
from .enums import Disposition
from .sessions import UserSession
from .wire_names import OFF_WIRE, json_object

if TYPE_CHECKING:
    import pandas

SUCCESS = "SUCCESS"
FAILURE = "FAILURE"


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class HistoryData(Record):
    """The data of a :class:`JanusResponseEvent`.

    Attributes:
        user_sessions: the sessions; ``None`` on a failure.
        error: the words for a failure; ``None`` on a success.
    """

    user_sessions: tuple[UserSession, ...] | None = None
    error: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class ReadStatusData(Record):
    """The data of an :class:`UpdateMissedCallsResponse`.

    Attributes:
        read_status_message: what was done; ``None`` on a failure.
        error: the words for a failure; ``None`` on a success.
    """

    read_status_message: str | None = None
    error: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class DeleteStatusData(Record):
    """The data of a :class:`DeleteCallHistoryRecordsResponse`.

    Attributes:
        delete_status_message: what was done; ``None`` on a failure.
        error: the words for a failure; ``None`` on a success.
    """

    delete_status_message: str | None = None
    error: str | None = None


@frozen(kw_only=True)
class _Response:
    """The base class of the three responses, which specify the type of their data."""

    status_code: int
    message: str | None = None
    # These come from headers, and do not count when responses are compared.
    tracking_id: str | None = field(default=None, eq=False, metadata=OFF_WIRE)
    retry_after: float | None = field(default=None, eq=False, metadata=OFF_WIRE)
    reason: str | None = field(default=None, eq=False, metadata=OFF_WIRE)
    data: HistoryData | ReadStatusData | DeleteStatusData

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status_code < 300

    def __bool__(self) -> bool:
        return self.ok

    def raise_for_status(self) -> None:
        """Raise an error unless the status is a success.

        Raises:
            AuthenticationError: the status is 401.
            ApiError: the status is any other failure.
        """
        if not self.ok:
            raise refusal(
                self.status_code,
                self.data.error,
                tracking_id=self.tracking_id,
                retry_after=self.retry_after,
                reason=self.reason,
            )


R = TypeVar("R", bound=_Response)


def failed_response(cls: type[R], error: ApiError) -> R:
    """Return a response of this class whose :meth:`raise_for_status` raises such an error."""
    data: Any = fields_dict(cls)["data"].type
    return cls(
        status_code=error.status_code,
        data=data(error=error.error),
        message=FAILURE,
        tracking_id=error.tracking_id,
        retry_after=error.retry_after,
        reason=error.reason,
    )


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class JanusResponseEvent(_Response, Sequence[UserSession]):
    """A page of the call history, and a sequence of its sessions.

    If it is a failure, iterating over it, indexing it or taking its ``len()`` raises what
    :meth:`raise_for_status` raises, so it can't be mistaken for an empty history. A success is
    true, even without sessions.

    Attributes:
        status_code: the HTTP status, or the ``statusCode`` of the body if that differs.
        data: the sessions, or the words for a failure.
        message: ``"SUCCESS"`` or ``"FAILURE"``.
        tracking_id: the id that Webex support asks for; ``None`` when no request was sent.
        retry_after: the seconds that Webex asked to wait, or ``None``.
        reason: why a token that Webex refused was not refreshed, or ``None``.
    """

    data: HistoryData

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
        """Return counts instead of a page of records."""
        if not self.ok:
            shown = f"error={self.data.error!r}"
        else:
            missed = [s for s in self if s.disposition == Disposition.MISSED]
            unread = sum(not s.is_read for s in missed)
            shown = f"{len(self)} sessions, {len(missed)} missed, {unread} of them unread"
        return f"<{type(self).__name__} {self.status_code} {self.message}: {shown}>"

    def _repr_html_(self) -> str:
        """Return a table for a notebook, or the words for a failure."""
        from .notebook_html import failure, table

        if not self.ok:
            return failure(self.status_code, self.data.error, self.tracking_id)
        return table(self._sessions)

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return a pandas DataFrame of the sessions; see :func:`callhistory.to_dataframe`.

        Raises:
            ApiError, AuthenticationError: the response is a failure.
            ImportError: pandas is not installed; it comes with ``callhistory[pandas]``.
        """
        return to_dataframe(self._sessions)


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class UpdateMissedCallsResponse(_Response):
    """The result of marking missed calls read.

    Attributes:
        data: what was done, or the words for a failure. The other attributes are those of
            :class:`JanusResponseEvent`.
    """

    data: ReadStatusData


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class DeleteCallHistoryRecordsResponse(_Response):
    """The result of deleting records.

    Attributes:
        data: what was done, or the words for a failure. The other attributes are those of
            :class:`JanusResponseEvent`.
    """

    data: DeleteStatusData
