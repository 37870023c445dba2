"""The whole call, from the request to the records, beside requests and Cisco's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks.comparison import (
    CISCO,
    Measured,
    Scale,
    against,
    check_equal,
    cisco_is_missing,
    cisco_side,
    in_turn,
    library_sides,
)
from benchmarks.side import Side, python_side

REQUESTS = "requests + .json()"

_AT_A_TIME = 2_000  # sessions that a run fetches at least
_CHECKED = 50


# A server whose pages are ready shows what the clients take; the sandbox, how much that matters.
_SERVERS = {"server": "", "sandbox_server": ", from the sandbox"}


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield the comparison for each server, backend and size of a page."""
    for server, words in _SERVERS.items():
        with ExitStack() as stack:
            asked = stack.enter_context(python_side(server))
            users: dict[str, dict[str, str]] = asked.ask("users", sessions=max(scale.fetches))
            sides = {REQUESTS: python_side("plain"), **library_sides()}
            for side in sides.values():
                stack.enter_context(side)
            for backend, user in users.items():
                with ExitStack() as of_user:
                    all_sides = dict(sides)
                    if cisco_is_missing() is None:
                        all_sides[CISCO] = of_user.enter_context(cisco_side(**user))
                    for limit in scale.fetches:
                        yield _fetches(all_sides, user, limit, backend, words, scale)


def _fetches(
    sides: dict[str, Side],
    user: dict[str, str],
    limit: int,
    backend: str,
    words: str,
    scale: Scale,
) -> Measured:
    found = {
        name: side.ask("fetched_values", **user, limit=_CHECKED) for name, side in sides.items()
    }
    if backend == "UCM_CALLING":
        del found[REQUESTS]  # it has no line numbers
    check_equal(found, count=_CHECKED)
    repeat = max(1, _AT_A_TIME // limit) if scale.runs > 1 else 1
    runs = {
        name: partial(side.ask, "fetch", **user, limit=limit, repeat=repeat)
        for name, side in sides.items()
    }
    seconds = in_turn(runs, scale.runs)
    return Measured(
        f"a fetch of {limit:,} sessions, {backend}{words}",
        "ms",
        {name: [1e3 * value for value in values] for name, values in seconds.items()},
        [
            against(f"fetch {limit:,}, {backend}{words} / {other}", seconds, other)
            for other in (REQUESTS, CISCO)
            if other in seconds
        ],
    )
