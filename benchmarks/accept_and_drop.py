"""Measure what a listener does to a Webex that fails, with the usual limits.

    python -m benchmarks.accept_and_drop [--minutes 5] [--after readiness|upgrade]
    python -m benchmarks.accept_and_drop --rest-outage 60

The first is a server that accepts every websocket and drops it at once: how many attempts are
there? The second is an outage after which the websocket is back at once, but the call history
answers 503 for a while: what is delivered when?
"""

from __future__ import annotations

import argparse
import threading
import time
from itertools import pairwise

from callhistory import CallHistoryClient, CallSessionEvent
from callhistory.sandbox import Sandbox

RECENT = "callHistory:user_recent_sessions"
HISTORY = "/history/userSessions"
MISSED = 120  # more than two pages


def row(name: str, value: str) -> None:
    print(f"{name:44}{value:>16}", flush=True)


def accept_and_drop(minutes: float, after: str) -> None:
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex(), "critical") as client:
        client.listen()
        cloud.drop_at_once(after="upgrade" if after == "upgrade" else "readiness", code=1001)
        cloud.forget_requests()
        begin = time.monotonic()
        cloud.close_connections(1001)
        for minute in range(max(1, round(minutes))):
            time.sleep(max(0.0, begin + 60 * min(minute + 1, minutes) - time.monotonic()))
            opened = [c.opened_at - begin for c in cloud.attempts if c.opened_at > begin]
            count = sum(60 * minute <= at < 60 * (minute + 1) for at in opened)
            row(f"attempts in minute {minute + 1}", f"{count:,}")
        row("attempts in all", f"{len(opened):,}")
        row("shortest wait", f"{min((b - a for a, b in pairwise(opened)), default=0.0):.2f} s")
        row("longest wait", f"{max((b - a for a, b in pairwise(opened)), default=0.0):.2f} s")
        row("HTTP requests meanwhile", f"{len(cloud.requests):,}")
        row("still listening", str(client.listening))


def rest_outage(seconds: float) -> None:
    heard: list[tuple[float, str, bool]] = []
    changed = threading.Condition()

    def hear(event: CallSessionEvent) -> None:
        with changed:
            for session in event.data.user_sessions.user_sessions:
                heard.append((time.monotonic(), session.session_id, event.recovered))
            changed.notify_all()

    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex(), "critical") as client:
        client.on(RECENT, hear)
        client.listen()
        with cloud.outage():
            cloud.wait_until(lambda: not any(c.is_open for c in cloud.connections))
            missed = {cloud.place_call().session_id for _ in range(MISSED)}
            cloud.fail_next(HISTORY, method="GET", status=503, times=1_000_000)
        cloud.wait_for_connections(2, timeout=60)
        cloud.forget_requests()
        begin = time.monotonic()
        placed: dict[str, float] = {}
        while time.monotonic() < begin + seconds:
            now = time.monotonic()
            placed[cloud.place_call().session_id] = now
            time.sleep(0.5)
        asked = [r.received_at - begin for r in cloud.requests_to(HISTORY, "GET")]
        early = sum(key in missed for _, key, _ in heard)
        cloud.clear_faults()
        end = time.monotonic()

        def is_complete() -> bool:
            return missed | placed.keys() <= {key for _, key, _ in heard}

        with changed:
            changed.wait_for(is_complete, 120)

    keys = [key for _, key, _ in heard]
    late = [at - placed[key] for at, key, recovered in heard if key in placed and not recovered]
    back = sorted(at - end for at, key, _ in heard if key in missed)
    row("the history answers 503 for", f"{end - begin:.1f} s")
    row("requests for the history meanwhile", f"{len(asked):,}")
    row("live calls meanwhile, delivered", f"{len(late):,} of {len(placed):,}")
    row("  longest latency", f"{max(late, default=0.0) * 1e3:.1f} ms")
    row("missed calls delivered meanwhile", f"{early:,}")
    row("missed calls delivered after", f"{len(back) - early:,} of {MISSED:,}")
    if back:
        row("  the first, after the history was back", f"{back[0]:.2f} s")
        row("  the last", f"{back[-1]:.2f} s")
    row("lost", f"{len((missed | placed.keys()) - set(keys)):,}")
    row("delivered twice", f"{len(keys) - len(set(keys)):,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--after", choices=("readiness", "upgrade"), default="readiness")
    parser.add_argument("--rest-outage", type=float, metavar="SECONDS", help="the outage instead")
    options = parser.parse_args()
    if options.rest_outage is None:
        accept_and_drop(options.minutes, options.after)
    else:
        rest_outage(options.rest_outage)
