"""A few seconds of chaos; ``python -m tests.robustness.chaos --minutes 10`` is the long run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.robustness.chaos import Report, Run, run_chaos


def few_seconds(patch: pytest.MonkeyPatch, *families: str, **options: Any) -> Report:
    """Run the faults of some families."""
    usual: dict[str, Any] = {"seed": 7, "seconds": 2.0, "overlap": 0.5, "drop_seconds": 1.0}
    return run_chaos(Run(families=families, **{**usual, **options}), patch)


@pytest.mark.parametrize(
    "families",
    [
        ("closing", "devices", "silence", "shutdown"),
        ("frames", "tokens", "upgrades", "replies"),
    ],
    ids=" and ".join,
)
def test_every_session_is_delivered_and_every_envelope_once(
    families: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through all faults that pass nothing is lost, nothing comes twice, and nothing grows."""
    report = few_seconds(monkeypatch, *families)

    assert not report.problems, f"\n{report}"
    assert report.ledger.recovered, f"\n{report}"
    assert report.faults.total() >= len(report.run.faults), f"\n{report}"


def fails_without(
    patch: pytest.MonkeyPatch,
    protection: str,
    sign: Callable[[Report], object],
    *families: str,
    **options: Any,
) -> bool:
    """Return whether one of some runs fails as it should; a busy machine may hide it in one."""
    options = {"seconds": 0.0, "drop_seconds": 0.0, "patience": 2.0, **options}
    return any(
        sign(few_seconds(patch, *families, without=protection, seed=seed, **options))
        for seed in range(7, 12)
    )


def test_without_dedupe_envelopes_come_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chaos detects envelopes that are delivered twice."""
    assert fails_without(
        monkeypatch, "dedupe", lambda r: r.ledger.repeated_envelopes, "frames", finale=False
    )


def test_without_recovery_sessions_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chaos detects sessions of an outage that are not fetched."""
    assert fails_without(monkeypatch, "recovery", lambda r: r.ledger.lost())


def test_without_backoff_a_server_that_drops_at_once_is_hammered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos detects a client without backoff by its far more frequent attempts."""
    options: dict[str, Any] = {"seconds": 0.0, "drop_seconds": 1.0, "finale": False}
    with pytest.MonkeyPatch.context() as patch:
        usual = few_seconds(patch, **options).attempts

    assert fails_without(monkeypatch, "backoff", lambda r: r.attempts > 1.5 * usual, **options)


def test_without_the_pong_timeout_a_half_open_connection_goes_unnoticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos detects a client that keeps a connection on which no ping is answered."""
    assert fails_without(monkeypatch, "pong", lambda r: r.ledger.lost())
