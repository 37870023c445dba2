"""What is printed and written of what was measured, and the change since an earlier run."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which
from typing import Any

from benchmarks.comparison import FAST, STDLIB, Figure, Measured
from benchmarks.side import ROOT

_PACKAGES = (
    "callhistory",
    "attrs",
    "blinker",
    "cattrs",
    "requests",
    "urllib3",
    "websockets",
    "msgspec",
    "pydantic",
)
_KINDS = {"stdlib": STDLIB, "fast": FAST}
_CISCO = ROOT / "tests" / "javascript" / "node_modules" / "@webex" / "calling" / "package.json"


def circumstances() -> dict[str, str]:
    """Return when, where and with which versions this runs."""
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    found |= {name: _version(name) for name in _PACKAGES}
    if which("node") and _CISCO.is_file():
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        found["Node"] = node.stdout.strip()
        found["@webex/calling"] = json.loads(_CISCO.read_bytes())["version"]
    return found


def _processor() -> str:
    try:
        information = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    return information.partition("model name\t: ")[2].partition("\n")[0] or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def print_measured(measured: Measured) -> None:
    """Print a comparison: each side's median, and its extremes."""
    print(f"\n{measured.title} ({measured.unit})" if measured.unit else f"\n{measured.title}")
    for name, values in measured.sides.items():
        extremes = ""
        if len(values) > 1:
            extremes = f"  {_number(min(values))} … {_number(max(values))}"
        print(f"  {name:72}{_number(statistics.median(values)):>10}{extremes}", flush=True)


def print_figures(figures: Sequence[Figure], earlier: dict[str, Any] | None) -> None:
    """Print all figures, and what they were in an earlier run."""
    then = {each["name"]: each for each in earlier["figures"]} if earlier else {}
    past = f"{'then':>10}{'change':>9}" if earlier else ""
    print(f"\n{'figure':62}{''.join(f'{kind:>10}{past}' for kind in _KINDS)}")
    for figure in figures:
        name = f"{figure.name} ({figure.unit})" if figure.unit else figure.name
        columns = [f"{name:62}"]
        for kind, side in _KINDS.items():
            columns.append(f"{_number(figure.median(side)):>10}")
            if figure.name in then:
                before = then[figure.name][kind]["median"]
                change = 100 * (figure.median(side) / before - 1)
                columns.append(f"{_number(before):>10}{change:>+8.0f}%")
            elif earlier:
                columns.append(" " * 19)
        print("".join(columns).rstrip())


def as_json(about: dict[str, str], measured: Sequence[Measured], seconds: float) -> dict[str, Any]:
    """Return everything that was measured, for a file."""
    return {
        "about": about,
        "seconds": round(seconds, 1),
        "measured": [
            {
                "title": each.title,
                "unit": each.unit,
                "sides": {name: list(values) for name, values in each.sides.items()},
            }
            for each in measured
        ],
        "figures": [
            {
                "name": figure.name,
                "unit": figure.unit,
                **{
                    kind: {"median": figure.median(side), "values": list(figure.values[side])}
                    for kind, side in _KINDS.items()
                },
            }
            for each in measured
            for figure in each.figures
        ],
    }


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.1f}"
