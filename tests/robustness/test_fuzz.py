"""A short run of the fuzzer, and that it would find something. The long run is tests/fuzz.py."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

import pytest

from tests.robustness.fuzz import fuzz, main
from tests.robustness.fuzz_watch import Report


def problems(report: Report) -> set[str]:
    return {found.problem for found in report.findings}


def test_mutated_answers_and_frames_have_a_designed_outcome() -> None:
    """Whatever comes, a call gives an answer or an error of ours, and a frame does no harm."""
    report = fuzz(bodies=300, frames=300, seed=1)

    assert report.findings == []
    assert report.outcomes.total() == 600
    outcomes = set(report.outcomes)
    for target in ("fetch", "mark", "delete", "catalog", "device"):
        assert {(target, "success"), (target, "failure"), (target, "DecodeError")} <= outcomes
    assert ("lines", "success") in outcomes
    assert {("grant", "success"), ("grant", "failure")} <= outcomes
    assert {("frame", "event"), ("frame", "no event")} <= outcomes


def test_an_escaped_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is not the library's is a finding, in a call and in a frame."""

    def fail(*_args: Any) -> NoReturn:
        raise LookupError("planted")

    monkeypatch.setattr("callhistory._webex.history_api.read_json", fail)
    monkeypatch.setattr("tests.robustness.fuzz_frames.read_event", fail)

    report = fuzz(bodies=20, frames=40, seed=1)

    assert problems(report) == {"LookupError: planted"}
    assert {found.target for found in report.findings} >= {"fetch", "frame"}


def test_a_private_word_in_an_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that says more than the type of what it found is a finding."""
    monkeypatch.setattr(
        "callhistory._webex.history_api.type_at", lambda document, _name: repr(document)
    )

    report = fuzz(bodies=200, frames=0, seed=1)

    assert any(problem.startswith("DecodeError shows [") for problem in problems(report))


@pytest.mark.plants_private_words
def test_a_private_word_in_the_log_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log record that quotes what came is a finding."""
    log = logging.getLogger("callhistory._webex.ucm_lines")

    def quote(sessions: Any, *_args: Any) -> list[Any]:
        log.warning("%s", sessions)
        return []

    monkeypatch.setattr("callhistory._webex.ucm_lines._side_with_line", quote)

    report = fuzz(bodies=60, frames=0, seed=1)

    assert any(problem.startswith("the log says [") for problem in problems(report))


@pytest.mark.parametrize("planted", [False, True])
def test_the_program_tells_its_seed_and_fails_on_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], planted: bool
) -> None:
    """The program prints the seed, the counts and the findings, and exits with 1 if there are."""
    if planted:
        monkeypatch.setattr(
            "tests.robustness.fuzz_frames.read_event", lambda *_: (_ for _ in ()).throw(OSError())
        )
    monkeypatch.setattr("sys.argv", ["fuzz.py", "--bodies", "5", "--frames", "40", "--seed", "7"])

    assert main() == planted

    told = capsys.readouterr().out
    assert told.startswith("seed 7\n")
    assert ("frame: OSError" in told) == planted
    assert ("\n0 unexpected\n" in told) != planted
