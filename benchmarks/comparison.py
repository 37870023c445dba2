"""How a comparison is made: equal values first, then the sides in turn, then the median ratio."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Any, TypeVar

from attrs import frozen

from benchmarks.generated_sessions import Wire, documented, spelled
from benchmarks.side import ROOT, Side, python_side

T = TypeVar("T")

STDLIB = "callhistory, stdlib"
FAST = "callhistory, fast"
CISCO = "Cisco's client"

_JAVASCRIPT = ROOT / "tests" / "javascript"


class UnequalError(Exception):
    """Two sides of a comparison do not give the same values."""


@frozen(kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        runs: the runs of each side that count, beside one that warms it up.
        events: the events of a run.
        calls: the calls of a run of the latency.
        pages: the sizes of the pages that are read.
        fetches: the sizes of the pages that are fetched.
        large: the size of the page whose memory is measured.
        imports: the runs of each import.
        listeners: the listeners at rest.
    """

    runs: int = 7
    events: int = 20_000
    calls: int = 3_000
    pages: tuple[int, ...] = (50, 1_000, 10_000, 100_000)
    fetches: tuple[int, ...] = (50, 1_000, 10_000)
    large: int = 10_000
    imports: int = 20
    listeners: int = 200


QUICK = Scale(
    runs=1,
    events=200,
    calls=100,
    pages=(50,),
    fetches=(50,),
    large=100,
    imports=1,
    listeners=2,
)


@frozen
class Figure:
    """A number that says how good the library is: the median of what several runs gave.

    Attributes:
        name: what it is.
        unit: its unit; empty for a ratio.
        values: what the runs gave, with the standard library's json and with `fast`.
    """

    name: str
    unit: str
    values: Mapping[str, Sequence[float]]

    def median(self, side: str) -> float:
        """Return the median of one side."""
        return statistics.median(self.values[side])


@frozen
class Measured:
    """What was measured of the sides of a comparison.

    Attributes:
        title: what was measured.
        unit: the unit of the values.
        sides: the values that the runs of each side gave.
        figures: what follows from them.
    """

    title: str
    unit: str
    sides: Mapping[str, Sequence[float]]
    figures: Sequence[Figure] = ()


def library_sides() -> dict[str, Side]:
    """Start the library twice: where there is only the standard library's json, and with `fast`."""
    return {
        STDLIB: python_side("library", without="msgspec"),
        FAST: python_side("library"),
    }


def cisco_is_missing() -> str | None:
    """Return why Cisco's client cannot be measured, or ``None`` if it can."""
    if which("node") is None:
        return "there is no Node here"
    if not (_JAVASCRIPT / "node_modules").is_dir():
        return "tests/javascript has no node_modules (npm install there)"
    return None


def cisco_side(u2c_url: str, token: str) -> Side:
    """Start Cisco's client for the user of a token."""
    environment = {**os.environ, "U2C_SERVICE_URL": u2c_url, "WEBEX_ACCESS_TOKEN": token}
    program = Path(__file__).with_name("cisco.mjs")
    return Side("node", str(program), str(_JAVASCRIPT), environment=environment)


def in_turn(sides: Mapping[str, Callable[[], T]], runs: int) -> dict[str, list[T]]:
    """Return what the runs of each side give.

    Each side runs once in each round, so that what else the machine does disturbs all of them, and
    the order is turned around after each round. The first round only warms them up.
    """
    values: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(runs + 1):
        for name in sides if number % 2 else reversed(list(sides)):
            value = sides[name]()
            if number:
                values[name].append(value)
    return values


def own(name: str, unit: str, sides: Mapping[str, Sequence[float]]) -> Figure:
    """Return the figure of what was measured of the library itself."""
    return Figure(name, unit, {side: sides[side] for side in (STDLIB, FAST)})


def against(name: str, sides: Mapping[str, Sequence[float]], other: str) -> Figure:
    """Return the figure of the library's ratio to another side, in each round."""
    return Figure(name, "", {side: ratios(sides[side], sides[other]) for side in (STDLIB, FAST)})


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return the ratio of two sides in each round."""
    return [one / other for one, other in zip(above, below, strict=True)]


def check_equal(
    found: Mapping[str, list[Wire]], *, count: int, only_documented: Sequence[str] = ()
) -> None:
    """Check that all sides read the same sessions, whole or what the documentation names of them.

    Args:
        found: the sessions that each side read, written as JSON again.
        count: how many there must be.
        only_documented: the sides that do not keep what is not documented.

    Raises:
        UnequalError: two sides differ, or sessions are missing.
    """
    first, *others = found
    for name in found:
        if len(found[name]) != count:
            raise UnequalError(f"{name}: {len(found[name])} sessions instead of {count}")
    for name in others:
        spelling: Callable[[Wire], Any] = documented if name in only_documented else spelled
        for index, (one, other) in enumerate(zip(found[first], found[name], strict=True)):
            if spelling(one) != spelling(other):
                raise UnequalError(f"session {index} is not the same for {first} and {name}")
