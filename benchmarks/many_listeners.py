"""Measure what it costs to listen for many users in one process.

    python benchmarks/many_listeners.py [--users 200] [--idle 60] [--events 10] [--rate 200]

The sandbox runs in a process of its own, so that all figures are those of the listeners alone.
They all start at once; then nothing happens for a while; then every user gets calls, first at a
steady rate, then as fast as the sandbox can place them. Both processes read the same monotonic
clock of the machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import callhistory._live.connection_loop  # noqa: F401 - its memory is not a listener's
from callhistory import CallHistoryClient, CallSessionEvent, Webex
from callhistory.sandbox import Sandbox

RECENT = "callHistory:user_recent_sessions"


# --- the sandbox's process: a line of JSON in, a line of JSON out ---


def serve(users: int) -> None:
    with Sandbox(sessions=0) as cloud:
        accounts = [cloud.add_user(f"Person {number}") for number in range(users)]
        answer({"u2c_url": cloud.u2c_url, "tokens": [user.access_token for user in accounts]})
        for line in sys.stdin:
            order = json.loads(line)
            if order["do"] == "requests":
                found = cloud.requests
                answer([[request.received_at, request.path] for request in found])
                continue
            placed, begin = [], time.monotonic()
            for number in range(order["events"] * users):
                if order["rate"]:
                    time.sleep(max(0.0, begin + number / order["rate"] - time.monotonic()))
                now = time.monotonic()
                session = cloud.place_call(user=accounts[number % users])
                placed.append([session.session_id, now])
            answer(placed)


def answer(document: Any) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


class Cloud:
    """A sandbox in another process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        people = self._read()
        self.u2c_url: str = people["u2c_url"]
        self.tokens: list[str] = people["tokens"]

    def ask(self, **order: Any) -> Any:
        """Send an order, and return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the sandbox has ended")
        return json.loads(line)


@contextmanager
def sandbox(users: int) -> Iterator[Cloud]:
    command = [sys.executable, __file__, "--serve", "--users", str(users)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Cloud(process)
        assert process.stdin is not None
        process.stdin.close()


# --- the listeners' process ---


class Arrivals:
    """When each session was delivered."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.events = 0
        self._changed = threading.Condition()

    def hear(self, event: CallSessionEvent) -> None:
        """Receive an event."""
        now = time.monotonic()
        with self._changed:
            self.events += 1
            for session in event.data.user_sessions.user_sessions:
                self.at.setdefault(session.session_id, now)
            self._changed.notify_all()

    def wait_for(self, count: int, timeout: float) -> None:
        """Wait until so many sessions were delivered, but no longer than the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.at) >= count, timeout)


def resident_kib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def most_in_a_second(times: list[float]) -> int:
    times = sorted(times)
    first = most = 0
    for last, at in enumerate(times):
        while at - times[first] > 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def row(name: str, value: str) -> None:
    print(f"{name:44}{value:>16}", flush=True)


def show_latency(name: str, placed: list[tuple[str, float]], arrivals: Arrivals) -> None:
    latencies = sorted((arrivals.at[key] - at) * 1e3 for key, at in placed if key in arrivals.at)
    row(f"{name}: delivered", f"{len(latencies):,} of {len(placed):,}")
    if latencies:
        row(f"{name}: median", f"{statistics.median(latencies):.1f} ms")
        row(f"{name}: 99th percentile", f"{latencies[int(len(latencies) * 0.99) - 1]:.1f} ms")
        row(f"{name}: longest", f"{latencies[-1]:.1f} ms")


def main(users: int, idle: float, events: int, rate: float) -> None:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    with sandbox(users) as cloud:
        memory, threads, files = resident_kib(), threading.active_count(), open_files()
        arrivals = Arrivals()
        clients = [
            CallHistoryClient(Webex(access_token=token, u2c_url=cloud.u2c_url), "critical")
            for token in cloud.tokens
        ]
        for client in clients:
            client.on(RECENT, arrivals.hear)
        with ThreadPoolExecutor(users) as pool:
            begin = time.monotonic()
            for future in [pool.submit(client.listen) for client in clients]:
                future.result()
            seconds = time.monotonic() - begin
        requests = cloud.ask(do="requests")
        row("listeners", f"{users:,}")
        row("all started within", f"{seconds:.1f} s")
        row("HTTP requests for that", f"{len(requests):,}")
        row("  in a second, at most", f"{most_in_a_second([at for at, _ in requests]):,}")
        row("threads a listener", f"{(threading.active_count() - threads) / users:.2f}")
        row("RSS a listener", f"{(resident_kib() - memory) / users:,.0f} KiB")
        row("open files a listener", f"{(open_files() - files) / users:.2f}")

        used, switches = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        time.sleep(idle)
        used = time.process_time() - used
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - switches
        row(f"CPU in {idle:g} idle seconds", f"{used:.2f} s")
        row("  of one core", f"{100 * used / idle:.2f} %")
        row("  wake-ups a second and listener", f"{switches / idle / users:.2f}")

        used = time.process_time()
        paced = cloud.ask(do="place", events=events, rate=rate)
        arrivals.wait_for(len(paced), 30)
        show_latency(f"{rate:g} calls a second", paced, arrivals)
        row("  CPU an event", f"{(time.process_time() - used) / len(paced) * 1e3:.2f} ms")
        burst = cloud.ask(do="place", events=events, rate=0)
        arrivals.wait_for(len(paced) + len(burst), 30)
        show_latency("all calls at once", burst, arrivals)
        row("delivered twice", f"{arrivals.events - len(arrivals.at):,}")
        row("RSS a listener, then", f"{(resident_kib() - memory) / users:,.0f} KiB")

        with ThreadPoolExecutor(users) as pool:
            begin = time.monotonic()
            for future in [pool.submit(client.close) for client in clients]:
                future.result()
            row("all closed within", f"{time.monotonic() - begin:.1f} s")
        row("threads left", f"{threading.active_count() - threads:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--idle", type=float, default=60.0, help="idle seconds")
    parser.add_argument("--events", type=int, default=10, help="events a user, twice")
    parser.add_argument("--rate", type=float, default=200.0, help="calls a second, at first")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.users)
    else:
        main(options.users, options.idle, options.events, options.rate)
