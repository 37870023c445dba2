"""Kill one of two consumers that share a stream, and count what is lost.

    python -m tests.examples.redis_consumers --events 1000

It needs a redis-server. The events come from a sandbox, by way of the forwarder.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from callhistory.sandbox import Sandbox
from tests.support.programs import account_of, running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

PROGRAM = "examples/forward_to_redis.py"


@attrs.frozen
class Report:
    """What happened to the events.

    Attributes:
        entries: how many were added to the stream.
        by: how many each consumer processed.
        keys: how often each event was processed.
        unfinished: how many entries the killed consumer had not acknowledged.
        pending: how many nobody had acknowledged at the end.
    """

    entries: int
    by: dict[str, int]
    keys: Counter[str]
    unfinished: int
    pending: int

    def __str__(self) -> str:
        twice = sum(1 for count in self.keys.values() if count > 1)
        return (
            f"in the stream {self.entries}, processed {len(self.keys)}, "
            f"lost {self.entries - len(self.keys)}, twice {twice}, "
            f"by consumer {self.by}, left by the killed one {self.unfinished}, "
            f"pending at the end {self.pending}"
        )


def processed(output: Path) -> list[str]:
    """Return the keys of the events that a consumer has printed as processed."""
    lines = output.read_text("utf-8").split("\n")[:-1]
    return [line.partition("  ")[0] for line in lines if "  call: " in line]


def pending(database: Any, consumer: str | None = None) -> int:
    """Count the entries that were handed out and not acknowledged."""
    found = database.xpending_range("webex-calls", "desk", "-", "+", 10_000, consumer)
    return len(found)


def is_stopped_at_work(consumer: subprocess.Popen[bytes], database: Any) -> bool:
    """Stop a consumer in the middle of its work, and return whether it was; else it goes on."""
    consumer.send_signal(signal.SIGSTOP)
    if pending(database, "one"):
        return True
    consumer.send_signal(signal.SIGCONT)
    return False


def kill_one_of_two(server: RedisServer, folder: Path, events: int) -> Report:
    """Have two consumers process at least ``events`` events, and kill one in the middle."""
    with ExitStack() as stack:
        cloud = stack.enter_context(Sandbox(sessions=0))
        database = stack.enter_context(server.database())

        def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            words = (PROGRAM, *arguments, f"--redis={server.url}")
            program = stack.enter_context(running(folder / name, *words, **account_of(cloud)))
            assert wait_until(lambda: "Ctrl-C" in (folder / name).read_text("utf-8"), 40), name
            return program

        start("forward", "forward")
        consumers = {
            name: start(name, "consume", f"--consumer={name}", "--idle=1")
            for name in ("one", "two")
        }
        placed, killed = 0, threading.Event()

        def place() -> None:
            nonlocal placed
            while placed < events or not killed.wait(0.001):
                cloud.place_call()
                placed += 1

        placing = threading.Thread(target=place, daemon=True)
        placing.start()
        assert wait_until(lambda: len(processed(folder / "one")) >= events / 10, 40)
        assert wait_until(lambda: is_stopped_at_work(consumers["one"], database), 40)
        consumers["one"].kill()
        consumers["one"].wait(20)
        unfinished = pending(database, "one")
        killed.set()
        placing.join(60)
        assert wait_until(lambda: database.xlen("webex-calls") == placed, 40)
        by = {}

        def is_done() -> bool:
            by.update({name: processed(folder / name) for name in consumers})
            return len(set(by["one"]) | set(by["two"])) == placed and not pending(database)

        wait_until(is_done, 40)
        return Report(
            entries=database.xlen("webex-calls"),
            by={name: len(keys) for name, keys in by.items()},
            keys=Counter(by["one"] + by["two"]),
            unfinished=unfinished,
            pending=pending(database),
        )


def main() -> None:
    """Run it, and print what happened to the events."""
    parser = argparse.ArgumentParser(description="Kill one of two consumers at its work.")
    parser.add_argument("--events", type=int, default=1_000)
    events = parser.parse_args().events
    with RedisServer() as server, tempfile.TemporaryDirectory() as folder:
        print(kill_one_of_two(server, Path(folder), events))


if __name__ == "__main__":
    main()
