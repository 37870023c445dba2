"""What was answered."""

from __future__ import annotations

from attrs import field, frozen

from .._errors import ApiError, refusal


@frozen(kw_only=True)
class Response:
    """What Webex answered, read to its end.

    Attributes:
        status_code: the HTTP status.
        body: the body, decompressed.
        tracking_id: what Webex support asks for.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        etag: the version of what was answered.
        location: where it says to go instead.
        reason: why the token that it refuses was not refreshed.
    """

    status_code: int
    body: bytes = field(repr=False)
    tracking_id: str | None
    retry_after: float | None = None
    etag: str | None = None
    location: str | None = field(default=None, repr=False)
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the HTTP status is a success."""
        return 200 <= self.status_code < 300

    def refusal(self, status_code: int | None = None, *, reason: str | None = None) -> ApiError:
        """Return the error for this answer.

        Args:
            status_code: what it comes to, if not its own status.
            reason: why the token was not refreshed, if not its own reason.
        """
        return refusal(
            self.status_code if status_code is None else status_code,
            tracking_id=self.tracking_id,
            retry_after=self.retry_after,
            reason=reason or self.reason,
        )

    def raise_for_status(self) -> None:
        """Raise the error for an answer that is no success.

        Raises:
            AuthenticationError: it is a 401.
            ApiError: it is any other status but a success.
        """
        if not self.ok:
            raise self.refusal()
