"""What the examples share: the whole history, page by page."""

from __future__ import annotations

from typing import Any

import account
import pytest
from account import whole_history

from callhistory import (
    CallHistoryClient,
    CallHistoryError,
    JanusResponseEvent,
    UserSession,
    to_wire,
)
from callhistory.sandbox import Sandbox


class CappedClient(CallHistoryClient):
    """A client whose Webex returns at most ``largest`` sessions at once."""

    largest = 1_000

    def get_call_history_data(
        self, days: int = 7, limit: int = 50, *args: Any, **kwargs: Any
    ) -> JanusResponseEvent:
        return super().get_call_history_data(days, min(limit, self.largest), *args, **kwargs)


def whole(cloud: Sandbox, largest: int = 1_000) -> list[UserSession]:
    with CappedClient(cloud.webex()) as client:
        client.largest = largest
        return [session for page in whole_history(client, 30) for session in page]


@pytest.mark.parametrize(("full_page", "largest"), [(1_000, 1_000), (7, 1_000), (1_000, 40)])
def test_the_whole_history_comes_whatever_a_page_holds(
    full_page: int, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session comes once, the oldest first, also where Webex returns less than the limit."""
    monkeypatch.setattr(account, "FULL_PAGE", full_page)
    with Sandbox(sessions=120, days=20) as cloud:
        sessions = whole(cloud, largest)
    assert len(sessions) == 120
    assert sessions == sorted(sessions, key=lambda session: session.end_time)
    assert len({to_wire(session)["sessionId"] for session in sessions}) == 120


def test_an_empty_history_is_whole() -> None:
    """An empty history ends at once."""
    with Sandbox(sessions=0) as empty:
        assert whole(empty) == []


def test_a_history_that_is_incomplete_is_an_error() -> None:
    """When a day has more calls than Webex returns at once, that is an error, not a short list."""
    with Sandbox(sessions=30) as cloud, pytest.raises(ValueError, match="gives 3 calls at a time"):
        whole(cloud, largest=3)


def test_a_latest_call_that_is_deleted_meanwhile_is_not_awaited() -> None:
    """The history is whole also when its latest call is deleted while it is fetched."""
    with Sandbox(sessions=30) as cloud, CallHistoryClient(cloud.webex()) as phone:
        (latest,) = phone.get_call_history_data(limit=1)

        class Deleting(CallHistoryClient):
            def get_call_history_data(self, *args: Any, **kwargs: Any) -> JanusResponseEvent:
                answer = super().get_call_history_data(*args, **kwargs)
                phone.delete_call_history_records([latest]).raise_for_status()
                return answer

        with Deleting(cloud.webex()) as client:
            sessions = [session for page in whole_history(client, 30) for session in page]
    assert len(sessions) == 29


def test_a_refused_history_is_not_an_empty_one(cloud: Sandbox) -> None:
    """When Webex says no to a page, the whole history raises."""
    cloud.fail_next("/userSessions", status=500)
    with pytest.raises(CallHistoryError, match="500"):
        whole(cloud)
