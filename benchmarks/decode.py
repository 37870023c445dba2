"""Measure the time from bytes to records, as a multiple of ``json.loads`` of the same bytes.

    python benchmarks/decode.py

The sessions are the sandbox's: several people, all fields that Webex sends, documented or not.
Each figure is the ratio of the best of several alternating runs, so that a busy machine slows
down both sides.
"""

import json
import time
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import requests

from callhistory import UserSession, from_wire
from callhistory._records.decode import read_sessions
from callhistory._records.strict_json import read_json
from callhistory.sandbox import Sandbox

UNDOCUMENTED = {"isTest"}, {"incomingCallProtocols", "callbackInfo", "lookUpInfo"}


def pages(documented_only: bool) -> list[dict[str, Any]]:
    with Sandbox(sessions=60) as cloud:
        token = {"Authorization": f"Bearer {cloud.access_token}"}
        catalog = requests.get(f"{cloud.u2c_url}/catalog?format=hostmap", headers=token, timeout=10)
        history = f"{catalog.json()['serviceLinks']['janus']}/history/userSessions"
        asked = {"from": "2000-01-01T00:00:00.000Z", "limit": "60", "sort": "DESC"}
        asked |= {"includeNewSessionTypes": "true", "includeSharedSessions": "true"}
        answer = requests.get(history, params=asked, headers=token, timeout=10)
        sessions: list[dict[str, Any]] = answer.json()["userSessions"]
    if documented_only:
        for session in sessions:
            for name in UNDOCUMENTED[0]:
                session.pop(name, None)
            for name in UNDOCUMENTED[1]:
                session["self"].pop(name, None)
    return sessions


def best_of_both(
    one: Callable[[], object], other: Callable[[], object], runs: int
) -> tuple[float, float]:
    best = [float("inf"), float("inf")]
    for _ in range(runs):
        for side, run in enumerate((one, other)):
            began = time.perf_counter()
            run()
            best[side] = min(best[side], time.perf_counter() - began)
    return best[0], best[1]


def decode(body: bytes) -> tuple[UserSession, ...]:
    return read_sessions(read_json(body)["userSessions"])


def main() -> None:
    print(f"{'sessions':>9} {'fields':15} {'json.loads':>11} {'records':>11} {'ratio':>6}")
    for documented_only in (True, False):
        sample = pages(documented_only)
        assert all(from_wire(UserSession, session) for session in sample)
        for count in (50, 1_000, 10_000):
            sessions = list(islice(cycle(sample), count))
            body = json.dumps({"statusCode": 200, "userSessions": sessions}).encode()
            runs = max(9, 20_000 // count)
            plain, records = best_of_both(
                lambda body=body: json.loads(body),  # type: ignore[misc] # not inferred
                lambda body=body: decode(body),  # type: ignore[misc] # not inferred
                runs,
            )
            fields = "documented" if documented_only else "as on the wire"
            print(
                f"{count:9,} {fields:15} {plain * 1e3:8.2f} ms {records * 1e3:8.2f} ms "
                f"{records / plain:6.2f}"
            )


if __name__ == "__main__":
    main()
