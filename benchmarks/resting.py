"""Listeners at rest: threads, memory and open files, each."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.comparison import FAST, STDLIB, Measured, Scale, own
from benchmarks.side import python_side


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield what many listeners of one process take, divided by their number."""
    found = {}
    for name, without in ((STDLIB, "msgspec"), (FAST, None)):
        with python_side("many_listeners", without=without) as side:
            found[name] = side.ask("at_rest", users=scale.listeners)
    for what, unit in (("threads", ""), ("resident memory", "KiB"), ("open files", "")):
        values = {name: [rest[what]] for name, rest in found.items()}
        yield Measured(
            f"a listener at rest, of {scale.listeners:,}: {what}",
            unit,
            values,
            [own(f"a listener at rest: {what}", unit, values)],
        )
