"""Measure how fast and how small the library is.

    python -m benchmarks [--only NAME…] [--runs N] [--quick] [--json FILE] [--compare FILE]

Each comparison runs its sides in turn, on the same generated sessions, and checks first that they
give equal values. The figures are medians of ratios: each ratio is of two runs that were made one
after the other. Nothing is written unless ``--json`` names a file.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from attrs import evolve

from benchmarks import decoding, fetching, importing, memory, receiving, resting
from benchmarks.comparison import QUICK, Measured, Scale, cisco_is_missing
from benchmarks.report import as_json, circumstances, print_figures, print_measured

# What can be measured, and what it is.
COMPARISONS: dict[str, tuple[Callable[[Scale], Iterator[Measured]], str]] = {
    "events": (receiving.measure_events, "events a second to a receiver"),
    "latency": (receiving.measure_latency, "from place_call to a receiver"),
    "decode": (decoding.measure, "from the bytes of a page to records"),
    "fetch": (fetching.measure, "get_call_history_data, from the request to the records"),
    "memory": (memory.measure, "what records keep, and what a fetch takes at most"),
    "import": (importing.measure, "import callhistory"),
    "listeners": (resting.measure, "threads, memory and open files of a listener at rest"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparisons that the command line names, and report."""
    options = _options(arguments)
    if options.list:
        for name, (_, what) in COMPARISONS.items():
            print(f"{name:12}{what}")
        return
    if missing := [name for name in ("flask", "msgspec", "pydantic") if not find_spec(name)]:
        raise SystemExit(f"{', '.join(missing)} missing: pip install -e '.[benchmarks]'")
    earlier = _earlier(options.compare)
    if options.json and not options.json.parent.is_dir():
        raise SystemExit(f"--json: there is no folder {options.json.parent}")
    scale = QUICK if options.quick else Scale()
    if options.runs is not None:
        scale = evolve(scale, runs=options.runs, imports=options.runs)
    if getproxies():
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # everything is on this machine
    began = time.monotonic()
    about = circumstances()
    for name, value in about.items():
        print(f"{name:16}{value}")
    if earlier:
        print(f"compared with   {', '.join(earlier['about'].values())}")
    if why := cisco_is_missing():
        print(f"Cisco's client is left out: {why}")
    measured = []
    for name in options.only or COMPARISONS:
        measure, _ = COMPARISONS[name]
        for each in measure(scale):
            print_measured(each)
            measured.append(each)
    seconds = time.monotonic() - began
    print_figures([figure for each in measured for figure in each.figures], earlier)
    print(f"\nmeasured in {seconds:.0f} s")
    if options.json:
        written = as_json(about, measured, seconds)
        options.json.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")


def _earlier(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"--compare: {error}") from None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure how fast and how small the library is."
    )
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, metavar="NAME", help="see --list")
    parser.add_argument("--runs", type=_positive, metavar="N", help="runs of each side (usually 7)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it work at all?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="show the change since then")
    parser.add_argument("--list", action="store_true", help="say what can be measured")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
