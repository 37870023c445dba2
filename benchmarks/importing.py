"""The import: processor time of whole processes, beside one that imports the dependencies only."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.comparison import FAST, STDLIB, Figure, Measured, Scale, in_turn, ratios

_DEPENDENCIES = ("attrs", "blinker", "cattrs", "msgspec", "requests", "urllib3", "websockets")
_CODE = {
    STDLIB: "import sys; sys.modules['msgspec'] = None; import callhistory",
    FAST: "import sys; import callhistory",
}
_NOTHING = "nothing"
# Whoever has installed a package has its bytecode: the first run writes it.
_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield the time of the import and of its dependencies, those that the import itself loads."""
    code = {_NOTHING: "import sys", **_CODE}
    below = {}
    for side in _CODE:
        loaded = _loaded(_CODE[side])
        below[side] = f"dependencies: {', '.join(loaded)}"
        code[below[side]] = f"import sys, {', '.join(loaded)}"
    seconds = in_turn({name: partial(_seconds, text) for name, text in code.items()}, scale.imports)
    without_start = {name: _less(values, seconds[_NOTHING]) for name, values in seconds.items()}
    yield Measured(
        "processor time of a process that imports (user and system)",
        "ms",
        {name: [1e3 * value for value in values] for name, values in seconds.items()},
        [
            Figure(name, "", {side: ratios(times[side], times[below[side]]) for side in _CODE})
            for name, times in (
                ("import / its dependencies, whole processes", seconds),
                ("import / its dependencies, without Python's start", without_start),
            )
        ],
    )


def _less(values: Sequence[float], starts: Sequence[float]) -> list[float]:
    return [value - start for value, start in zip(values, starts, strict=True)]


def _loaded(code: str) -> list[str]:
    names = f"print(*[name for name in {_DEPENDENCIES!r} if sys.modules.get(name)])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {names}"], check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def _seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, env=_ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
