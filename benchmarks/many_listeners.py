"""Measure what it costs to listen for many users in one process.

    python -m benchmarks.many_listeners [--users 200] [--idle 60] [--events 10] [--rate 200]

The sandbox runs in a process of its own, so that all figures are those of the listeners alone.
They all start at once; then nothing happens for a while; then every user gets calls, first at a
steady rate, then as fast as the sandbox can place them. Both processes read the same monotonic
clock of the machine.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import pkgutil
import resource
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from attrs import frozen

import callhistory._live
from benchmarks.side import Side, python_side
from callhistory import CallHistoryClient, CallSessionEvent, Webex
from callhistory.sandbox import Sandbox

RECENT = "callHistory:user_recent_sessions"


# --- the sandbox's process ---


class Cloud:
    """A sandbox with many users."""

    def start(self, users: int) -> dict[str, Any]:
        """Start it, and return its address and the users' tokens."""
        self._sandbox = Sandbox(sessions=0).start()
        self._accounts = [self._sandbox.add_user(f"Person {number}") for number in range(users)]
        return {
            "u2c_url": self._sandbox.u2c_url,
            "tokens": [user.access_token for user in self._accounts],
        }

    def requests(self) -> list[float]:
        """Return when each request came."""
        return [request.received_at for request in self._sandbox.requests]

    def place(self, events: int, rate: float) -> list[tuple[str, float]]:
        """Place so many calls for each user, so many a second; return their ids and times."""
        placed, begin = [], time.monotonic()
        for number in range(events * len(self._accounts)):
            if rate:
                time.sleep(max(0.0, begin + number / rate - time.monotonic()))
            now = time.monotonic()
            account = self._accounts[number % len(self._accounts)]
            placed.append((self._sandbox.place_call(user=account).session_id, now))
        return placed


_cloud = Cloud()


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


@frozen
class Group:
    """Clients that all listen, and what they have taken since there was none."""

    clients: list[CallHistoryClient]
    seconds: float
    memory: float
    threads: int
    files: int

    def taken(self) -> dict[str, float]:
        """Return what each listener takes now."""
        count = len(self.clients)
        return {
            "threads": (threading.active_count() - self.threads) / count,
            "resident memory": (resident_kib() - self.memory) / count,
            "open files": (open_files() - self.files) / count,
        }


def start_all(cloud: Side, users: int, hear: Callable[[CallSessionEvent], None]) -> Group:
    """Let all users listen at once. What is imported for the first is loaded before."""
    for module in pkgutil.iter_modules(callhistory._live.__path__, "callhistory._live."):
        importlib.import_module(module.name)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    where = cloud.ask("start", users=users)
    memory, threads, files = resident_kib(), threading.active_count(), open_files()
    clients = [
        CallHistoryClient(Webex(access_token=token, u2c_url=where["u2c_url"]), "critical")
        for token in where["tokens"]
    ]
    for client in clients:
        client.on(RECENT, hear)
    with ThreadPoolExecutor(users) as pool:
        begin = time.monotonic()
        for future in [pool.submit(client.listen) for client in clients]:
            future.result()
        seconds = time.monotonic() - begin
    return Group(clients, seconds, memory, threads, files)


def close_all(clients: list[CallHistoryClient]) -> float:
    """Close all at once, and return the seconds that it takes."""
    with ThreadPoolExecutor(len(clients)) as pool:
        begin = time.monotonic()
        for future in [pool.submit(client.close) for client in clients]:
            future.result()
        return time.monotonic() - begin


def at_rest(users: int) -> dict[str, float]:
    """Return the threads, the KiB and the open files of a listener, of so many."""
    with python_side("many_listeners") as cloud:
        group = start_all(cloud, users, lambda _: None)
        taken = group.taken()
        close_all(group.clients)
        return taken


def main(users: int, idle: float, events: int, rate: float) -> None:
    with python_side("many_listeners") as cloud:
        arrivals = Arrivals()
        group = start_all(cloud, users, arrivals.hear)
        requests = cloud.ask("requests")
        row("listeners", f"{users:,}")
        row("all started within", f"{group.seconds:.1f} s")
        row("HTTP requests for that", f"{len(requests):,}")
        row("  in a second, at most", f"{most_in_a_second(requests):,}")
        taken = group.taken()
        row("threads a listener", f"{taken['threads']:.2f}")
        row("RSS a listener", f"{taken['resident memory']:,.0f} KiB")
        row("open files a listener", f"{taken['open files']:.2f}")

        used, switches = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        time.sleep(idle)
        used = time.process_time() - used
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - switches
        row(f"CPU in {idle:g} idle seconds", f"{used:.2f} s")
        row("  of one core", f"{100 * used / idle:.2f} %")
        row("  wake-ups a second and listener", f"{switches / idle / users:.2f}")

        used = time.process_time()
        paced = cloud.ask("place", events=events, rate=rate)
        arrivals.wait_for(len(paced), 30)
        show_latency(f"{rate:g} calls a second", paced, arrivals)
        row("  CPU an event", f"{(time.process_time() - used) / len(paced) * 1e3:.2f} ms")
        burst = cloud.ask("place", events=events, rate=0)
        arrivals.wait_for(len(paced) + len(burst), 30)
        show_latency("all calls at once", burst, arrivals)
        row("delivered twice", f"{arrivals.events - len(arrivals.at):,}")
        row("RSS a listener, then", f"{group.taken()['resident memory']:,.0f} KiB")

        row("all closed within", f"{close_all(group.clients):.1f} s")
        row("threads left", f"{threading.active_count() - group.threads:,}")


# Both processes are sides: the sandbox's, and in `python -m benchmarks` the listeners', too.
ORDERS: dict[str, Any] = {
    "start": _cloud.start,
    "requests": _cloud.requests,
    "place": _cloud.place,
    "at_rest": at_rest,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--idle", type=float, default=60.0, help="idle seconds")
    parser.add_argument("--events", type=int, default=10, help="events a user, twice")
    parser.add_argument("--rate", type=float, default=200.0, help="calls a second, at first")
    options = parser.parse_args()
    main(options.users, options.idle, options.events, options.rate)
