"""What was answered, or why nobody did, and what the error for it holds."""

from __future__ import annotations

import pytest

from callhistory import (
    ApiError,
    AuthenticationError,
)
from callhistory._http.response import Response


@pytest.mark.parametrize(
    ("status", "kind"), [(200, None), (299, None), (302, ApiError), (401, AuthenticationError)]
)
def test_answer_that_is_no_success_raises(status: int, kind: type[ApiError] | None) -> None:
    """An answer but a success raises its error, which has what Webex said besides the body."""
    answer = Response(
        status_code=status, body=b"", tracking_id="WEBEX_1", retry_after=9.0, reason="expired"
    )

    if kind is None:
        answer.raise_for_status()
    else:
        with pytest.raises(ApiError) as caught:
            answer.raise_for_status()
        assert type(caught.value) is kind
        error = caught.value
        assert (error.status_code, error.tracking_id) == (status, "WEBEX_1")
        assert (error.retry_after, error.reason) == (9.0, "expired")
