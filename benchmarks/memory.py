"""Memory: what a record keeps, and what a fetch takes at most; each in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.comparison import FAST, STDLIB, Measured, Scale, against, own
from benchmarks.generated_sessions import page
from benchmarks.side import Side, python_side

PLAIN = "json.loads"
REQUESTS = "requests + .json()"


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield what records keep, then what a fetch takes. Python's own count does not vary."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.json"
        path.write_bytes(page(scale.large))
        kept = _alone(PLAIN, lambda side: side.ask("kept", path=str(path)))
    yield Measured(
        f"memory that a session keeps, of {scale.large:,}",
        "bytes",
        kept,
        [against("kept memory a record / parsed dicts", kept, PLAIN)],
    )
    with python_side("server") as server:
        where = server.ask("where")
        size = server.ask("body_size", limit=scale.large, backend="WEBEX_CALLING")
        for order, what in (("peak", "Python's memory"), ("resident_peak", "resident memory")):
            fetch = partial(
                _ask,
                order=order,
                u2c_url=where["u2c_url"],
                token=where["tokens"]["WEBEX_CALLING"],
                limit=scale.large,
            )
            peaks = {name: [taken[0] / size] for name, taken in _alone(REQUESTS, fetch).items()}
            yield Measured(
                f"peak of {what} in a fetch of {scale.large:,} sessions",
                "times the body",
                peaks,
                [own(f"peak of a fetch / its body, {what}", "", peaks)],
            )


def _ask(side: Side, order: str, **arguments: str | int) -> float:
    answer: float = side.ask(order, **arguments)
    return answer


def _alone(plain: str, run: Callable[[Side], float]) -> dict[str, list[float]]:
    """Return what each side gives in a new process."""
    starts = {
        plain: partial(python_side, "plain"),
        STDLIB: partial(python_side, "library", without="msgspec"),
        FAST: partial(python_side, "library"),
    }
    values = {}
    for name, start in starts.items():
        with start() as side:
            values[name] = [run(side)]
    return values
