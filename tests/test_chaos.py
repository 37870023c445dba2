"""A few seconds of chaos; ``python tests/chaos.py --minutes 10`` is the long run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chaos import Report, Run, run_chaos


def few_seconds(
    patch: pytest.MonkeyPatch, *families: str, without: str | None = None, seed: int = 7
) -> Report:
    """Run the faults of some families."""
    run = Run(
        seed=seed,
        seconds=2.5 if without is None else 1.0,
        families=families,
        without=without,
        overlap=0.5,
        drop_seconds=1.0,
        patience=20.0 if without is None else 2.0,
    )
    return run_chaos(run, patch)


@pytest.mark.parametrize(
    "families",
    [
        ("closing", "devices"),
        ("silence", "shutdown"),
        ("frames", "tokens"),
        ("upgrades", "replies"),
    ],
    ids=" and ".join,
)
def test_every_session_is_delivered_and_every_envelope_once(
    families: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever passes goes wrong: nothing is lost, nothing comes twice, and nothing grows."""
    report = few_seconds(monkeypatch, *families)

    assert not report.problems, f"\n{report}"
    assert report.ledger.recovered, f"\n{report}"


def fails_without(
    patch: pytest.MonkeyPatch, protection: str, family: str, sign: Callable[[Report], object]
) -> bool:
    """Tell whether a run fails as it should; on a busy machine another trouble may come before."""
    seeds = range(7, 12)
    return any(sign(few_seconds(patch, family, without=protection, seed=seed)) for seed in seeds)


def test_without_dedupe_envelopes_come_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chaos shows when envelopes that were delivered are delivered again."""
    assert fails_without(monkeypatch, "dedupe", "frames", lambda r: r.ledger.repeated_envelopes)


def test_without_recovery_sessions_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chaos shows when the sessions of an outage are not fetched."""
    assert fails_without(monkeypatch, "recovery", "closing", lambda r: r.ledger.lost())


def test_without_backoff_a_server_that_drops_at_once_is_hammered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos shows when the client does not wait: the same server is asked far more often."""
    with pytest.MonkeyPatch.context() as patch:
        usual = few_seconds(patch, "closing").attempts

    assert fails_without(monkeypatch, "backoff", "closing", lambda r: r.attempts > 1.5 * usual)


def test_without_the_pong_timeout_a_half_open_connection_goes_unnoticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos shows when a connection is believed in that answers no ping."""
    assert fails_without(monkeypatch, "pong", "closing", lambda r: r.ledger.lost())
