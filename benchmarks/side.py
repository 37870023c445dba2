"""A side of a comparison: a process of its own that does what it is told, a line of JSON at a time.

    python -m benchmarks.side NAME [--without PACKAGE]

NAME is a module of this package whose ``ORDERS`` are the functions that can be called.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Orders = Mapping[str, Callable[..., Any]]

ROOT = Path(__file__).parents[1]
_LONGEST = 120.0  # seconds for the events of one run


class Side:
    """A process that runs one side.

    Args:
        command: how to start it.
        environment: its environment; by default that of this process.
    """

    def __init__(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def send(self, order: str, **arguments: Any) -> None:
        """Send an order, and do not wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([order, arguments]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the answer to an order."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"this side has ended: {' '.join(self._command)}")
        return json.loads(line)

    def ask(self, order: str, **arguments: Any) -> Any:
        """Send an order, and return its answer."""
        self.send(order, **arguments)
        return self.answer()


def python_side(name: str, *, without: str | None = None) -> Side:
    """Start a side in a Python of its own, in which a package can be missing."""
    missing = () if without is None else ("--without", without)
    return Side(sys.executable, "-m", "benchmarks.side", name, *missing)


def obey(orders: Orders) -> None:
    """Carry out the orders that come in, until there are no more."""
    for line in sys.stdin:
        order, arguments = json.loads(line)
        sys.stdout.write(json.dumps(orders[order](**arguments)) + "\n")
        sys.stdout.flush()


def timed(call: Callable[[], object], repeat: int) -> float:
    """Return the median of the seconds that a call takes; what it returned is freed afterwards."""
    seconds = []
    for _ in range(repeat):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
        del result
    return statistics.median(seconds)


def resident(name: str) -> float:
    """Return the bytes of this process that are in memory now (``VmRSS``) or were (``VmHWM``)."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition(f"{name}:")[2].split()[0]) * 1024


class Arrivals:
    """The events that reach a receiver: their sessions' ids, and what passes from first to last.

    Args:
        count: how many will come.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._ids: list[str] = []
        self._began = self._ended = (0.0, 0.0)
        self._complete = threading.Event()

    def note(self, session_id: str) -> bool:
        """Note one event, and return whether it was the last."""
        self._ids.append(session_id)
        if len(self._ids) == 1:
            self._began = time.perf_counter(), time.process_time()
        if len(self._ids) == self._count:
            self._ended = time.perf_counter(), time.process_time()
            self._complete.set()
        return self._complete.is_set()

    def taken(self) -> tuple[float, float]:
        """Wait for the last event; return the seconds since the first, and those of processors."""
        if not self._complete.wait(_LONGEST):
            raise SystemExit(f"only {len(self._ids):,} of {self._count:,} events have arrived")
        if len(set(self._ids)) != self._count:
            raise SystemExit("an event was delivered twice")
        return self._ended[0] - self._began[0], self._ended[1] - self._began[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--without", metavar="PACKAGE")
    options = parser.parse_args()
    if options.without is not None:
        sys.modules[options.without] = None  # type: ignore[assignment] # importing it fails
    obey(importlib.import_module(f"benchmarks.{options.name}").ORDERS)
