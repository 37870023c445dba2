"""What the examples share: the whole history, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
from callhistory.sandbox._world.history import History


def whole(cloud: Sandbox, days: int) -> list[UserSession]:
    with CallHistoryClient(cloud.webex()) as client:
        return [session for page in whole_history(client, days) for session in page]


@pytest.mark.parametrize(("full_page", "largest"), [(1_000, 1_000), (7, 1_000), (1_000, 40)])
def test_the_whole_history_comes_whatever_a_page_holds(
    full_page: int, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session comes once, the oldest first, also where Webex gives less than is asked for."""
    monkeypatch.setattr("account.FULL_PAGE", full_page)
    give_at_most(largest, monkeypatch)
    with Sandbox(sessions=120, days=20) as cloud:
        sessions = whole(cloud, 30)
    assert len(sessions) == 120
    assert sessions == sorted(sessions, key=lambda session: session.end_time)
    assert len({to_wire(session)["sessionId"] for session in sessions}) == 120


def test_an_empty_history_is_whole(client: CallHistoryClient, cloud: Sandbox) -> None:
    """Where there is nothing, nothing comes, and nothing is waited for."""
    with Sandbox(sessions=0) as empty:
        assert whole(empty, 30) == []


def test_a_history_that_cannot_be_had_whole_is_not_taken_for_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where one day has more calls than Webex ever gives, that is an error and not an end."""
    give_at_most(3, monkeypatch)
    with Sandbox(sessions=30) as cloud, pytest.raises(ValueError, match="gives 3 calls at a time"):
        whole(cloud, 30)


def test_a_latest_call_that_is_deleted_meanwhile_is_not_awaited() -> None:
    """The history is whole also when the latest call goes after it was seen for the first time."""
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
        whole(cloud, 30)


def give_at_most(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = History.fetch

    def capped(self: History, since: datetime, *, limit: int, **options: Any) -> Any:
        return fetch(self, since, limit=min(limit, largest), **options)

    monkeypatch.setattr(History, "fetch", capped)
