"""A short run of the fuzzer, and proof that it finds problems.

``python -m tests.robustness.fuzz`` is the long run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import requests

from callhistory import DecodeError
from tests.robustness.fuzz import fuzz, main
from tests.robustness.fuzz_bodies import FuzzedWebex
from tests.robustness.fuzz_watch import Report


def problems(report: Report) -> set[str]:
    return {found.problem for found in report.findings}


def test_mutated_answers_and_frames_have_a_designed_outcome() -> None:
    """Whatever comes, a call returns an answer or raises our error, and a frame does no harm."""
    report = fuzz(bodies=300, frames=300, seed=1)

    assert report.findings == []
    assert report.outcomes.total() == 600
    outcomes = set(report.outcomes)
    for target in ("fetch", "mark", "delete", "catalog", "device"):
        assert {(target, "success"), (target, "failure"), (target, "DecodeError")} <= outcomes
    assert ("lines", "success") in outcomes
    assert {("grant", "success"), ("grant", "failure")} <= outcomes
    assert {("frame", "event"), ("frame", "no event")} <= outcomes


def plant(monkeypatch: pytest.MonkeyPatch, do: Callable[[bytes], object]) -> None:
    """Do something with each body before it is answered, where the library would."""
    send = FuzzedWebex.send

    def planted(self: FuzzedWebex, *args: Any, **options: Any) -> requests.Response:
        response = send(self, *args, **options)
        body = response.raw.read()
        response.raw = BytesIO(body)
        do(body)
        return response

    monkeypatch.setattr(FuzzedWebex, "send", planted)


def raise_lookup_error(_body: bytes) -> None:
    raise LookupError("planted")


def raise_with_body(body: bytes) -> None:
    if b"phoneNumber" in body:
        raise DecodeError("userSessions", "an array", body.decode("utf-8", "replace"))


def log_body(body: bytes) -> None:
    logging.getLogger("callhistory.planted").warning("%r", body)


@pytest.mark.plants_private_words
@pytest.mark.parametrize(
    ("do", "problem"),
    [
        (raise_lookup_error, "LookupError: planted"),
        (raise_with_body, "DecodeError shows ["),
        (log_body, "the log says ["),
    ],
)
def test_problem_of_a_call_is_found(
    monkeypatch: pytest.MonkeyPatch, do: Callable[[bytes], object], problem: str
) -> None:
    """A foreign error, and a private word in an error or in the log, are findings."""
    plant(monkeypatch, do)

    report = fuzz(bodies=20, frames=0, seed=1)

    assert any(found.startswith(problem) for found in problems(report))


@pytest.mark.parametrize("planted", [False, True])
def test_the_program_prints_its_seed_and_fails_on_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], planted: bool
) -> None:
    """The program prints the seed, the counts and the findings, and exits with 1 if there are."""
    if planted:
        plant(monkeypatch, raise_lookup_error)
    monkeypatch.setattr("sys.argv", ["fuzz.py", "--bodies", "20", "--frames", "20", "--seed", "7"])

    assert main() == planted

    printed = capsys.readouterr().out
    assert printed.startswith("seed 7\n")
    assert ("LookupError: planted" in printed) == planted
    assert ("\n0 unexpected\n" in printed) != planted
