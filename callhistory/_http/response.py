"""A response from Webex."""

from __future__ import annotations

from attrs import frozen

from .._errors import ApiError, refusal


@frozen(kw_only=True, repr=False, eq=False)
class Response:
    """A complete response from Webex.

    Attributes:
        status_code: the HTTP status.
        body: the body, decompressed.
        tracking_id: the id that Webex support asks for.
        retry_after: the seconds that Webex asked to wait, or ``None``.
        etag: the version of the resource.
        location: the address that it redirects to.
        reason: why the refused token was not refreshed.
    """

    status_code: int
    body: bytes
    tracking_id: str | None
    retry_after: float | None = None
    etag: str | None = None
    location: str | None = None
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the HTTP status is a success."""
        return 200 <= self.status_code < 300

    def refusal(self, status_code: int | None = None, *, reason: str | None = None) -> ApiError:
        """Return the error for this response.

        Args:
            status_code: the status to use instead of the response's own.
            reason: why the token was not refreshed, instead of the response's own reason.
        """
        return refusal(
            self.status_code if status_code is None else status_code,
            tracking_id=self.tracking_id,
            retry_after=self.retry_after,
            reason=reason or self.reason,
        )

    def raise_for_status(self) -> None:
        """Raise an error unless the status is a success.

        Raises:
            AuthenticationError: the status is 401.
            ApiError: the status is any other failure.
        """
        if not self.ok:
            raise self.refusal()
