"""Events: how many a second reach a receiver, and how long one takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks.comparison import (
    CISCO,
    FAST,
    STDLIB,
    Measured,
    Scale,
    against,
    check_equal,
    cisco_is_missing,
    cisco_side,
    in_turn,
    library_sides,
    own,
)
from benchmarks.side import Side, python_side

LOOP = "bare websocket loop"

_CHECKED = 50
_RATE = 1_000.0  # calls a second


def measure_events(scale: Scale) -> Iterator[Measured]:
    """Yield how many events a second reach a receiver.

    A run is a new connection (but for Cisco's client, which becomes slower with each), the events
    as fast as they are taken, and their acknowledgements. It is measured from the first event that
    the receiver has to the last.
    """
    with ExitStack() as stack:
        server = stack.enter_context(python_side("server"))
        where = server.ask("where")
        url, token = where["u2c_url"], where["tokens"]["WEBEX_CALLING"]
        sides = {LOOP: python_side("plain"), **library_sides()}
        if cisco_is_missing() is None:
            sides[CISCO] = cisco_side(url, f"cisco-{token}")
        for side in sides.values():
            stack.enter_context(side)
        users = {name: {"u2c_url": url, "token": token} for name in sides}
        users[CISCO] = {"u2c_url": url, "token": f"cisco-{token}"}
        check_equal(
            {name: _heard(server, side, users[name]) for name, side in sides.items()},
            count=_CHECKED,
        )
        server.ask("prepare", count=scale.events)
        runs = {
            name: partial(_one_run, server, side, users[name], scale.events, keep=False)
            for name, side in sides.items()
        }
        taken = in_turn(runs, scale.runs)
    count = scale.events - 1  # from the first to the last
    rates = {name: [count / seconds for seconds, _ in values] for name, values in taken.items()}
    yield Measured(
        "events a second that reach a receiver",
        "/s",
        rates,
        [
            against(f"events a second / {other}", rates, other)
            for other in (LOOP, CISCO)
            if other in rates
        ],
    )
    processor = {name: [1e6 * used / count for _, used in values] for name, values in taken.items()}
    yield Measured(
        "processor time of an event",
        "µs",
        processor,
        [own("processor time of an event", "µs", processor)],
    )


def _heard(server: Side, side: Side, user: dict[str, str]) -> Any:
    _one_run(server, side, user, _CHECKED, keep=True)
    return side.ask("heard")


def _one_run(
    server: Side, side: Side, user: dict[str, str], count: int, *, keep: bool
) -> tuple[float, float]:
    """Return the seconds from the first event to the last, and those of processors."""
    side.ask("connect", **user, count=count, keep=keep)
    side.send("receive")
    server.ask("send_events", token=user["token"], count=count)  # waits until all are acknowledged
    seconds, used = side.answer()
    side.ask("disconnect")
    return seconds, used


def measure_latency(scale: Scale) -> Iterator[Measured]:
    """Yield the time from a call's being placed in the sandbox to its event's reaching a receiver.

    The sandbox and the client are one process, and the calls come at a steady rate.
    """
    found: dict[str, list[dict[str, float]]] = {STDLIB: [], FAST: []}
    with ExitStack() as stack:
        sides = library_sides()
        for side in sides.values():
            stack.enter_context(side)
        for number in range(scale.runs):
            for name in sides if number % 2 else reversed(sides):
                found[name].append(sides[name].ask("latency", calls=scale.calls, rate=_RATE))
    for kind in ("p50", "p99"):
        values = {name: [each[kind] for each in runs] for name, runs in found.items()}
        yield Measured(
            f"from place_call to a receiver, {_RATE:,.0f} calls a second, {kind}",
            "ms",
            values,
            [own(f"place_call → receiver, {kind}", "ms", values)],
        )
