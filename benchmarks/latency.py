"""Measure the time from the moment a call is placed until a handler gets its event.

    python benchmarks/latency.py [calls]

The sandbox and the client run in one process, over real sockets.
"""

import statistics
import sys
import time
from threading import Semaphore

from callhistory import CallHistoryClient, CallSessionEvent
from callhistory.sandbox import Sandbox


def main(calls: int) -> None:
    heard: list[float] = []
    arrived = Semaphore(0)

    def on_call(event: CallSessionEvent) -> None:
        heard.append(time.perf_counter())
        arrived.release()

    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        client.on("callHistory:user_recent_sessions", on_call)
        client.listen()
        placed = []
        for _ in range(calls):
            placed.append(time.perf_counter())
            cloud.place_call(name="Ada", disposition="MISSED")
            if not arrived.acquire(timeout=10):
                raise SystemExit("an event did not arrive within 10 s")

    latencies = sorted((end - begin) * 1e3 for begin, end in zip(placed, heard, strict=True))
    print(f"calls:           {calls:8,}")
    print(f"median:          {statistics.median(latencies):8.2f} ms")
    print(f"99th percentile: {latencies[int(len(latencies) * 0.99) - 1]:8.2f} ms")
    print(f"longest:         {latencies[-1]:8.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
