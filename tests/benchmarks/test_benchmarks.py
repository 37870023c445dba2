"""The benchmarks run, compare what is equal, and report; how fast anything is, no test asserts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.comparison import (
    FAST,
    STDLIB,
    Figure,
    UnequalError,
    against,
    check_equal,
    in_turn,
)
from benchmarks.generated_sessions import generate, page
from benchmarks.report import print_figures

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    """Run the command where there is no Node, and return what it prints."""
    for package in ("msgspec", "pydantic"):
        pytest.importorskip(package, reason="the benchmarks compare with it")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.timeout(180)
def test_one_command_measures_compares_and_writes(tmp_path: Path) -> None:
    """The command prints the figures that it was told to, beside earlier ones, and writes them."""
    earlier, now = tmp_path / "earlier.json", tmp_path / "now.json"
    known = {
        "name": "bytes → 50 records / json.loads",
        "stdlib": {"median": 12.34},
        "fast": {"median": 56.78},
    }
    earlier.write_text(json.dumps({"about": {"date": "2026-01-31"}, "figures": [known]}))

    printed = run(
        *("--quick", "--only", "decode", "events", "fetch"),
        *("--json", str(now), "--compare", str(earlier)),
    )

    written = json.loads(now.read_bytes())
    assert written["about"].keys() > {"date", "machine", "system", "Python", "websockets"}
    assert [figure["name"] for figure in written["figures"]] == [
        "bytes → 50 records / json.loads",
        "events a second / bare websocket loop",
        "processor time of an event",
        "fetch 50, WEBEX_CALLING / requests + .json()",
        "fetch 50, UCM_CALLING / requests + .json()",
        "fetch 50, WEBEX_CALLING, from the sandbox / requests + .json()",
        "fetch 50, UCM_CALLING, from the sandbox / requests + .json()",
    ]
    for figure in written["figures"]:
        *_, line = (line for line in printed.splitlines() if line.startswith(figure["name"]))
        assert line.count("%") == (2 if "12.34" in line and "56.78" in line else 0)
        assert figure["stdlib"]["median"] > 0
        assert figure["fast"]["median"] > 0
    assert "12.34" in printed
    assert "2026-01-31" in printed
    assert "Cisco's client is left out: there is no Node here" in printed


def test_the_change_is_in_percent(capsys: pytest.CaptureFixture[str]) -> None:
    """The change of a median is a percentage of what it was."""
    earlier = {"name": "figure", "stdlib": {"median": 2.0}, "fast": {"median": 4.0}}

    print_figures([Figure("figure", "", {STDLIB: [3.0], FAST: [1.0]})], {"figures": [earlier]})

    line = capsys.readouterr().out.splitlines()[-1]
    assert line.split() == ["figure", "3.00", "2.00", "+50%", "1.00", "4.00", "-75%"]


def test_each_ratio_is_of_one_round() -> None:
    """A side's value is divided by the other's of the same round, not by the other's median."""
    sides = {STDLIB: [2.0, 30.0], FAST: [1.0, 10.0], "other": [1.0, 10.0]}

    figure = against("figure", sides, "other")

    assert figure.values == {STDLIB: [2.0, 3.0], FAST: [1.0, 1.0]}


def test_sides_take_turns() -> None:
    """Each side runs once a round, in the other order in the next; the first round is no result."""
    called: list[str] = []

    def side(name: str) -> float:
        called.append(name)
        return float(len(called))

    values = in_turn({"a": lambda: side("a"), "b": lambda: side("b")}, 2)

    assert called == ["b", "a", "a", "b", "b", "a"]
    assert values == {"a": [3.0, 6.0], "b": [4.0, 5.0]}


SESSION = {"id": "1", "disposition": "Answered", "startTime": "2026-01-01T00:00:00.500Z"}


@pytest.mark.parametrize(
    "other",
    [
        [],
        [{**SESSION, "id": "2"}],
        [{**SESSION, "disposition": "MISSED"}],
        [{**SESSION, "startTime": "2026-01-01T00:00:00.501Z"}],
        [{**SESSION, "odd": 1}],
        [{**SESSION, "isRead": False}],
    ],
)
def test_sides_that_differ_are_not_compared(other: list[dict[str, Any]]) -> None:
    """Nothing is measured of a side that reads a value that another side does not."""
    with pytest.raises(UnequalError):
        check_equal({"one": [SESSION], "other": other}, count=1)


@pytest.mark.parametrize(
    "other",
    [
        SESSION,
        {**SESSION, "disposition": "ANSWERED"},
        {**SESSION, "startTime": "2026-01-01T00:00:00.500000+00:00"},
        {**SESSION, "isRead": None, "correlationIds": []},
    ],
)
def test_a_spelling_makes_no_difference(other: dict[str, Any]) -> None:
    """Sides may write a disposition, a time, and what is absent in their own ways."""
    check_equal({"one": [SESSION], "other": [other]}, count=1)


def test_a_side_may_keep_only_what_is_documented() -> None:
    """Of a side that drops undocumented fields, the others are compared."""
    one = [{**SESSION, "odd": 1}]

    check_equal({"one": one, "other": [SESSION]}, count=1, only_documented=["other"])
    with pytest.raises(UnequalError):
        check_equal({"one": one, "other": [{"id": "1"}]}, count=1, only_documented=["other"])


def test_generated_sessions_are_like_real_ones() -> None:
    """They have the size of Webex's, ids of their own, and fields that are not documented."""
    sessions = [session for session, _ in zip(generate(), range(1_000), strict=False)]

    assert 1_200 < len(page(1_000)) / 1_000 < 1_360
    assert len({session["sessionId"] for session in sessions}) == 1_000
    assert len({session["self"]["id"] for session in sessions}) == 1
    assert {"isTest", "extensionPayload", "networkQuality"} < set().union(*sessions)
    assert "VOICEMAIL" in {session["disposition"] for session in sessions}
