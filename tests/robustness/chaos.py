"""Run a client that listens through random faults, while calls come in all the time.

    python -m tests.robustness.chaos --minutes 10 [--seed N] [--family NAME]...

Client and sandbox run in this process, over real sockets. Every fault passes, so every session has
to be delivered, every envelope once, and nothing may grow; otherwise the exit code is 1. The seed
decides which faults come in which order; threads and sockets decide the rest.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import attrs

from callhistory import CallHistoryClient, CallHistoryError
from callhistory._limits import Limits
from callhistory.sandbox import Sandbox
from tests.robustness.chaos_faults import FAMILIES, Fault, LossySandbox, Mischief
from tests.robustness.chaos_ledger import Footprint, Ledger
from tests.support.listening_clients import RECENT, library_threads
from tests.support.waiting import wait_until

_FASTER = 100.0  # every backoff
_LIMITS = Limits(
    first_backoff=0.5 / _FASTER,
    first_reconnect_backoff=1 / _FASTER,
    longest_backoff=32 / _FASTER,
    first_recovery_backoff=1 / _FASTER,
    good_connection=30 / _FASTER,
    ping_interval=0.4,
    pong_timeout=1.0,
    ready_timeout=1.5,
    hand_over=5.0,
)
_HTTP_TIMEOUT = 2.0  # seconds

_HISTORY_SECONDS = 20.0  # sessions that ended before are deleted, as users do

_ACK_TIMEOUT = 0.3
# Six short delays, then one of 0 to 32 s after another, divided; with what a busy machine adds.
_ATTEMPTS_AT_FIRST = 10
_ATTEMPTS_A_SECOND = 15
_SETTLING_MIB = 24.0
_LEDGER_MIB = 1 / 1024  # what the ledger needs for one call

# A long overlap would hide that the beginning of an outage is computed wrong. This one only has to
# cover the time that a call takes to become an event.
_OVERLAP = 0.25

# The limits that switch each protection off.
_PROTECTIONS: dict[str, dict[str, Any]] = {
    "dedupe": {"remembered": 0},
    "recovery": {"recovery_overlap": timedelta(days=-1)},  # it looks for sessions of tomorrow
    "backoff": {"first_reconnect_backoff": 0.0, "good_connection": 0.0},
    "pong": {"pong_timeout": 3600.0},
}


@attrs.frozen(kw_only=True)
class Run:
    """The conditions of a run.

    Attributes:
        seed: decides the order of the faults.
        seconds: how long faults happen, after each has happened once.
        families: the faults, by their names in `FAMILIES`.
        overlap: how many seconds before an outage a recovery begins.
        without: the protection that is switched off, if one is.
        calls_a_second: how many calls a second, not counting bursts.
        drop_seconds: how long, at the end, the server accepts connections and drops them at once.
        rest_timeout: how many seconds the client has to deliver the rest after the last fault.
        finale: whether an outage and a half-open connection come last, followed by a wait for
            what the server delivers again.
    """

    seed: int
    seconds: float
    families: tuple[str, ...] = tuple(FAMILIES)
    overlap: float = _OVERLAP
    without: str | None = None
    calls_a_second: float = 8.0
    drop_seconds: float = 2.0
    rest_timeout: float = 20.0
    finale: bool = True

    @property
    def limits(self) -> Limits:
        """The client's limits: shortened, and without the protection that is switched off."""
        overlap = timedelta(seconds=self.overlap)
        changes = {} if self.without is None else _PROTECTIONS[self.without]
        return attrs.evolve(_LIMITS, **({"recovery_overlap": overlap} | changes))

    @property
    def faults(self) -> list[Fault]:
        """The faults of its families."""
        return [fault for family in self.families for fault in FAMILIES[family]]


@attrs.frozen(kw_only=True)
class Report:
    """The outcome of a run.

    Attributes:
        run: its conditions.
        faults: how many there were of each kind.
        ledger: what was placed and delivered.
        attempts: how many connections were attempted while the server dropped them at once.
        before: the resources of the process after the first calls.
        after: its resources at the end.
        problems: what went wrong.
    """

    run: Run
    faults: Counter[str]
    ledger: Ledger
    attempts: int
    before: Footprint
    after: Footprint
    problems: list[str]

    def __str__(self) -> str:
        ledger, before, after = self.ledger, self.before, self.after
        faults = [(f"  {kind}", f"{count:,}") for kind, count in sorted(self.faults.items())]
        rows = [
            ("faults", f"{self.faults.total():,}"),
            *faults,
            ("calls placed", f"{ledger.placed:,}"),
            ("delivered live", f"{ledger.live:,}"),
            ("delivered recovered", f"{ledger.recovered:,}"),
            ("  and then live", f"{ledger.live_after_recovered:,}"),
            ("lost", f"{ledger.lost():,}"),
            ("envelopes delivered twice", f"{ledger.repeated_envelopes:,}"),
            ("sessions delivered once too often", f"{ledger.repeated_sessions:,}"),
            (f"attempts in {self.run.drop_seconds:g} s of drops", f"{self.attempts:,}"),
            ("threads", f"{before.threads} -> {after.threads}"),
            ("RSS", f"{before.rss:.1f} -> {after.rss:.1f} MiB"),
            ("open files", f"{before.files} -> {after.files}"),
            ("objects of the library", f"{before.objects:,} -> {after.objects:,}"),
        ]
        lines = [f"{name:36}{value:>18}" for name, value in rows]
        return "\n".join([*lines, *(f"FAILED: {problem}" for problem in self.problems)])


# --- the calls ---


class Calls:
    """Places calls in a thread until it is stopped, and whenever :meth:`place` is called.

    Args:
        cloud: the sandbox.
        ledger: records them.
        rng: decides when, and how many at once.
        a_second: how many a second, not counting bursts.
    """

    def __init__(self, cloud: Sandbox, ledger: Ledger, rng: Random, a_second: float) -> None:
        self.failure: Exception | None = None
        self._cloud = cloud
        self._ledger = ledger
        self._rng = rng
        self._a_second = a_second
        self._lock = threading.Lock()
        self._ended: list[tuple[float, tuple[int, str]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="calls", daemon=True)

    def place(self, count: int) -> None:
        """Place so many calls."""
        with self._lock:
            for _ in range(count):
                now = time.monotonic()
                session = self._cloud.place_call()
                self._ledger.place(session)
                ended = round(session.end_time.timestamp() * 1000)
                self._ended.append((now, (ended, session.session_id)))

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._rng.expovariate(self._a_second)):
                self.place(self._rng.randint(10, 80) if self._rng.random() < 0.02 else 1)
                self._delete_old()
        except Exception as error:  # noqa: BLE001 - the run reports it
            self.failure = error

    def _delete_old(self) -> None:
        with self._lock:
            count = sum(at < time.monotonic() - _HISTORY_SECONDS for at, _ in self._ended)
            if count > 100:
                old, self._ended = self._ended[:count], self._ended[count:]
                organization = self._cloud._organization
                history = organization.history_of(organization.holder)
                history.delete(pair for _, pair in old)

    @contextmanager
    def coming_in(self) -> Iterator[None]:
        """Place calls while a block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


# --- the run ---


def run_chaos(run: Run) -> Report:
    """Run it, and return what came of it."""
    rng = Random(run.seed)
    silent = logging.Logger("chaos", logging.CRITICAL + 1)
    ledger = Ledger()
    faults: Counter[str] = Counter()
    problems: list[str] = []
    with LossySandbox(_ACK_TIMEOUT) as cloud:
        options: dict[str, Any] = {"refresh_token": cloud.refresh_token}
        if rng.random() < 0.5:
            options = {"access_token": cloud.issue_token}
        webex = cloud.webex(timeout=_HTTP_TIMEOUT, _limits=run.limits, **options)
        with webex, CallHistoryClient(webex, logger=silent) as client:
            client.on(RECENT, ledger.hear)
            client.listen()
            calls = Calls(cloud, ledger, Random(rng.random()), run.calls_a_second)
            mischief = Mischief(cloud, rng, calls.place)
            calls.place(10)
            ledger.wait_for_all(5)
            before = Footprint.now()
            with calls.coming_in():
                for kind in _do_faults(run, rng, mischief, lambda: client.listening):
                    faults[kind] += 1
                attempts = mischief.accept_and_drop_for(run.drop_seconds)
            all_came = _finish(run, ledger, mischief)
            calls.place(1)  # the library keeps the last event alive: it should be a small one
            if all_came:
                ledger.wait_for_all(run.rest_timeout)
            if run.finale:
                time.sleep(3 * _ACK_TIMEOUT)  # what the server delivers again would come now
            if not client.listening:
                problems.append(f"it has stopped listening: {_why(client)}")
            wait_until(lambda: len(library_threads()) <= before.threads, 3)
            after = Footprint.now()
    if calls.failure is not None:
        problems.append(f"no calls came in any more: {calls.failure!r}")
    problems += _judge(run, ledger, attempts)
    problems += before.grown_to(after, _SETTLING_MIB + _LEDGER_MIB * ledger.placed)
    if left := library_threads():
        problems.append(f"threads after close(): {', '.join(left)}")
    return Report(
        run=run,
        faults=faults,
        ledger=ledger,
        attempts=attempts,
        before=before,
        after=after,
        problems=problems,
    )


def _finish(run: Run, ledger: Ledger, mischief: Mischief) -> bool:
    """Cause the last faults, and return whether everything was delivered after them."""
    if not run.finale:
        return ledger.wait_for_all(run.rest_timeout)
    mischief.last_outage()
    # A recovery that is still under way would deliver the calls of a half-open connection.
    if not (
        ledger.wait_for_all(run.rest_timeout)
        and wait_until(lambda: "callhistory-http-tasks" not in library_threads())
    ):
        return False
    mischief.last_half_open()
    return ledger.wait_for_all(run.rest_timeout)


def _do_faults(
    run: Run, rng: Random, mischief: Mischief, goes_on: Callable[[], bool]
) -> Iterator[str]:
    """Cause all faults in random order, again and again until the time is up; yield their kinds."""
    end = time.monotonic() + run.seconds
    faults = run.faults
    done = 0
    while faults:
        for fault in rng.sample(faults, len(faults)):
            is_over = done >= len(faults) and time.monotonic() > end
            if is_over or not goes_on():
                return
            yield fault(mischief)
            done += 1
            mischief.breathe()


def _judge(run: Run, ledger: Ledger, attempts: int) -> Iterator[str]:
    if lost := ledger.lost():
        yield f"{lost} sessions were lost"
    if ledger.repeated_envelopes:
        yield f"{ledger.repeated_envelopes} envelopes were delivered twice"
    if ledger.repeated_sessions:
        yield f"{ledger.repeated_sessions} sessions were delivered once too often"
    if ledger.wrongly_marked:
        yield f"{ledger.wrongly_marked} events were wrongly marked as recovered, or as live"
    if ledger.strangers:
        yield f"{ledger.strangers} sessions were delivered that nobody placed"
    bound = _ATTEMPTS_AT_FIRST + _ATTEMPTS_A_SECOND * run.drop_seconds
    if attempts > bound:
        yield f"{attempts} attempts in {run.drop_seconds:g} s are more than {bound:.0f}"


def _why(client: CallHistoryClient) -> str:
    try:
        client.wait(0)
    except CallHistoryError as error:
        return repr(error)
    return "for an unknown reason"


def main() -> int:
    """Run it as the command line says; return the exit code."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long faults happen")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000)
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only such faults")
    arguments = parser.parse_args()
    run = Run(
        seed=arguments.seed,
        seconds=60 * arguments.minutes,
        families=tuple(arguments.family or FAMILIES),
    )
    print(f"seed {run.seed}, {arguments.minutes:g} minutes", flush=True)
    logging.disable(logging.CRITICAL)
    report = run_chaos(run)
    print(report)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
