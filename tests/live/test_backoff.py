"""How fast one connection follows another."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callhistory import signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import listening
from tests.support.waiting import wait_until


@attrs.define
class Jitter:
    """Notes the bounds that delays are drawn from, and draws none."""

    bounds: list[tuple[float, float]] = attrs.field(factory=list)

    def uniform(self, low: float, high: float) -> float:
        self.bounds.append((low, high))
        return 0.0


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> Jitter:
    noted = Jitter()
    monkeypatch.setattr("callhistory._live.reconnect.random", noted)
    return noted


@pytest.mark.parametrize("after", ["upgrade", "readiness"])
@pytest.mark.parametrize("code", [1006, 1013])
def test_server_that_drops_at_once_is_not_hammered(
    cloud: Sandbox, jitter: Jitter, after: Any, code: int
) -> None:
    """Connections that end at once are further and further apart, up to 32 seconds."""
    with listening(cloud) as (_, heard):
        cloud.wait_for_frames("pong")  # the first connection is through
        cloud.drop_at_once(after=after, code=code, times=8)
        cloud.close_connections(1001)

        cloud.wait_for_attempts(10)
        assert wait_until(lambda: cloud.attempts[-1].is_open)
        heard.wait_for(signals.Online, 2)
        assert jitter.bounds == [(0, high) for high in (1, 2, 4, 8, 16, 32, 32, 32, 32)]


def test_upgrades_that_fail_are_not_hammered(cloud: Sandbox, jitter: Jitter) -> None:
    """So are attempts that are refused, without end."""
    with listening(cloud) as (_, heard):
        cloud.fail_upgrades(status=503, times=7)
        cloud.close_connections(1001)

        heard.wait_for(signals.Online, 2)
        assert jitter.bounds == [(0, high) for high in (1, 2, 4, 8, 16, 32, 32, 32)]


def test_connection_that_held_is_replaced_at_once(
    cloud: Sandbox, jitter: Jitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a connection that held for a while, the first attempt follows at once."""
    monkeypatch.setattr("callhistory._live.reconnect.HELD", 0.0)
    with listening(cloud) as (_, heard):
        for count in range(2, 6):
            cloud.close_connections(1001)
            heard.wait_for(signals.Online, count)
        assert jitter.bounds == [(0, 0)] * 4

        cloud.fail_upgrades(status=503, times=2)
        cloud.close_connections(1001)
        heard.wait_for(signals.Online, 6)
        assert jitter.bounds[4:] == [(0, 0), (0, 2), (0, 4)]


def test_retry_after_at_the_upgrade_is_kept(cloud: Sandbox, jitter: Jitter) -> None:
    """A server that says when to come again is not asked before."""
    with listening(cloud) as (_, heard):
        cloud.fail_upgrades(retry_after=1)
        cloud.close_connections(1001)

        heard.wait_for(signals.Online, 2)
        _, refused, accepted = cloud.attempts
        assert refused.status == 429
        assert accepted.opened_at - refused.opened_at >= 1
