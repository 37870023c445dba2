"""A few seconds of chaos; ``python tests/chaos.py --minutes 10`` is the long run."""

from __future__ import annotations

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


def test_without_dedupe_envelopes_come_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chaos shows when envelopes that were delivered are delivered again."""
    report = few_seconds(monkeypatch, "frames", without="dedupe")

    assert report.ledger.repeated_envelopes, f"\n{report}"


def test_without_recovery_sessions_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chaos shows when the sessions of an outage are not fetched."""
    report = few_seconds(monkeypatch, "closing", without="recovery")

    assert report.ledger.lost(), f"\n{report}"


def test_without_backoff_a_server_that_drops_at_once_is_hammered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos shows when the client does not wait between its attempts."""
    report = few_seconds(monkeypatch, "closing", without="backoff")

    assert any("attempts" in problem for problem in report.problems), f"\n{report}"


def test_without_the_pong_timeout_a_half_open_connection_goes_unnoticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos shows when a connection is believed in that answers no ping."""
    reports = (few_seconds(monkeypatch, "closing", without="pong", seed=n) for n in (7, 8, 9))

    # On a busy machine another trouble may end the connection, and make good what it lost.
    assert any(report.ledger.lost() for report in reports)
