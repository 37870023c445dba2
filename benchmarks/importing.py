"""The import: processor time of a whole process, less that of one that imports nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.comparison import FAST, STDLIB, Figure, Measured, Scale, in_turn, ratios

_DEPENDENCIES = ("attrs", "blinker", "cattrs", "msgspec", "requests", "urllib3", "websockets")
_CODE = {
    STDLIB: "import sys; sys.modules['msgspec'] = None; import callhistory",
    FAST: "import sys; import callhistory",
}


def measure(scale: Scale) -> Iterator[Measured]:
    """Yield the time of the import and of its dependencies, those that the import itself loads."""
    code = {"nothing": "import sys"}
    for name, short in ((STDLIB, "stdlib"), (FAST, "fast")):
        loaded = _loaded(_CODE[name])
        code[f"dependencies, {short}: {', '.join(loaded)}"] = f"import sys, {', '.join(loaded)}"
        code[name] = _CODE[name]
    seconds = in_turn({name: partial(_seconds, text) for name, text in code.items()}, scale.imports)
    nothing = seconds.pop("nothing")
    own = {
        name: [value - start for value, start in zip(values, nothing, strict=True)]
        for name, values in seconds.items()
    }
    stdlib_dependencies, stdlib, fast_dependencies, fast = own.values()
    yield Measured(
        "processor time of an import (user and system), without the interpreter's start",
        "ms",
        {name: [1e3 * value for value in values] for name, values in own.items()},
        [
            Figure("import / its dependencies, stdlib", "", ratios(stdlib, stdlib_dependencies)),
            Figure("import / its dependencies, fast", "", ratios(fast, fast_dependencies)),
        ],
    )


def _loaded(code: str) -> list[str]:
    names = f"print(*[name for name in {_DEPENDENCIES!r} if sys.modules.get(name)])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {names}"], check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def _seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
