"""The whole call, from the request to the records, beside requests and Cisco's client."""

from __future__ import annotations

import itertools
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
from benchmarks.side import python_side

REQUESTS = "requests + .json()"

_AT_A_TIME = 2_000  # sessions that a run fetches at least
_CHECKED = 50


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield the comparison for each size of a page, for users of Webex Calling and Unified CM."""
    with ExitStack() as stack:
        server = stack.enter_context(python_side("server"))
        where = server.ask("where")
        python_sides = {REQUESTS: python_side("plain"), **library_sides()}
        for side in python_sides.values():
            stack.enter_context(side)
        cisco = {
            backend: stack.enter_context(cisco_side(where["u2c_url"], token))
            for backend, token in where["tokens"].items()
            if cisco_is_missing() is None
        }
        for backend, limit in itertools.product(where["tokens"], scale.fetches):
            sides = dict(python_sides)
            if backend in cisco:
                sides[CISCO] = cisco[backend]
            user = {"u2c_url": where["u2c_url"], "token": where["tokens"][backend]}
            server.ask("body_size", limit=limit, backend=backend)
            found = {
                name: side.ask("fetched_values", **user, limit=_CHECKED)
                for name, side in sides.items()
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
            yield Measured(
                f"a fetch of {limit:,} sessions, {backend}",
                "ms",
                {name: [1e3 * value for value in values] for name, values in seconds.items()},
                [
                    against(f"fetch {limit:,}, {backend} / {other}", seconds, other)
                    for other in (REQUESTS, CISCO)
                    if other in seconds
                ],
            )
