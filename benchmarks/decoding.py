"""From the bytes of a page to its sessions, as a multiple of ``json.loads`` of the same bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.comparison import (
    Measured,
    Scale,
    against,
    check_equal,
    in_turn,
    library_sides,
)
from benchmarks.generated_sessions import page
from benchmarks.side import python_side

LOADS = "json.loads"
STRUCTS = "msgspec Structs"
MODELS = "pydantic"

_CHECKED = 300
_AT_A_TIME = 20_000  # sessions that a run reads at least, in as many pages as that takes
_LARGE = 50_000  # sessions of a page of which fewer runs are enough


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield the comparison for each size of a page."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sides = {
            LOADS: python_side("plain"),
            **library_sides(),
            STRUCTS: python_side("msgspec_structs"),
            MODELS: python_side("pydantic_models"),
        }
        for side in sides.values():
            stack.enter_context(side)
        path = Path(folder) / "page.json"
        path.write_bytes(page(_CHECKED))
        found = {name: side.ask("values", path=str(path)) for name, side in sides.items()}
        check_equal(found, count=_CHECKED, only_documented=[STRUCTS])
        for count in scale.pages:
            path.write_bytes(page(count))
            repeat = max(1, _AT_A_TIME // count) if scale.runs > 1 else 1
            runs = {
                name: partial(side.ask, "decode", path=str(path), repeat=repeat)
                for name, side in sides.items()
            }
            seconds = in_turn(runs, scale.runs if count < _LARGE else min(3, scale.runs))
            yield Measured(
                f"from the bytes of {count:,} sessions to records",
                "ms",
                {name: [1e3 * value for value in values] for name, values in seconds.items()},
                [against(f"bytes → {count:,} records / {LOADS}", seconds, LOADS)],
            )
