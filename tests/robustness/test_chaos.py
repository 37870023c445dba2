"""A few seconds of chaos; ``python -m tests.robustness.chaos --minutes 10`` is the long run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.robustness.chaos import Report, Run, run_chaos


def few_seconds(*families: str, **options: Any) -> Report:
    """Run the faults of some families for a few seconds."""
    usual: dict[str, Any] = {"seed": 7, "seconds": 2.0, "overlap": 0.5, "drop_seconds": 1.0}
    return run_chaos(Run(families=families, **{**usual, **options}))


@pytest.mark.parametrize(
    "families",
    [
        ("closing", "devices", "silence", "shutdown"),
        ("frames", "tokens", "upgrades", "replies"),
    ],
    ids=" and ".join,
)
def test_every_session_is_delivered_and_every_envelope_once(
    families: tuple[str, ...],
) -> None:
    """Through every passing fault, nothing is lost, nothing comes twice, and nothing grows."""
    report = few_seconds(*families)

    assert not report.problems, f"\n{report}"
    assert report.ledger.recovered, f"\n{report}"
    assert report.faults.total() >= len(report.run.faults), f"\n{report}"


def fails_without(
    protection: str,
    sign: Callable[[Report], object],
    *families: str,
    **options: Any,
) -> bool:
    """Return whether a run fails as it should; on a busy machine it may need several tries."""
    options = {"seconds": 0.0, "drop_seconds": 0.0, "rest_timeout": 2.0, **options}
    return any(
        sign(few_seconds(*families, without=protection, seed=seed, **options))
        for seed in range(7, 12)
    )


def test_without_dedupe_envelopes_come_twice() -> None:
    """Chaos notices when envelopes are delivered twice."""
    assert fails_without("dedupe", lambda r: r.ledger.repeated_envelopes, "frames", finale=False)


def test_without_recovery_sessions_are_lost() -> None:
    """Chaos notices when the sessions of an outage are not fetched."""
    assert fails_without("recovery", lambda r: r.ledger.lost())


def test_without_backoff_a_server_that_drops_at_once_is_hammered() -> None:
    """Chaos notices when the client does not wait: there are far more attempts."""
    options: dict[str, Any] = {"seconds": 0.0, "drop_seconds": 1.0, "finale": False}
    usual = few_seconds(**options).attempts

    assert fails_without("backoff", lambda r: r.attempts > 1.5 * usual, **options)


def test_without_the_pong_timeout_a_half_open_connection_goes_unnoticed() -> None:
    """Chaos notices when a connection is kept that answers no ping."""
    assert fails_without("pong", lambda r: r.ledger.lost())
