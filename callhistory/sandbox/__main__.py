"""``python -m callhistory.sandbox``: the sandbox for other programs."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from threading import Event
from types import FrameType
from typing import NoReturn

from callhistory.sandbox import Sandbox
from callhistory.sandbox._world.organization import BACKENDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m callhistory.sandbox", description="Run a Webex on this machine."
    )
    parser.add_argument("--port", type=port, default=0, help="where to listen (default: any)")
    parser.add_argument("--backend", choices=BACKENDS, default=BACKENDS[0])
    parser.add_argument(
        "--sessions", type=count, default=60, help="how many sessions there are (default: 60)"
    )
    parser.add_argument(
        "--days",
        type=days,
        help="over how many days they are spread, at working hours (default: evenly, over six)",
    )
    parser.add_argument(
        "--chatter",
        type=seconds,
        metavar="SECONDS",
        help="let a call happen every so many seconds (default: never)",
    )
    return parser


def port(text: str) -> int:
    """Read a port; the name is shown when it cannot be read."""
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is from 0 to 65535")
    return int(text)


def count(text: str) -> int:
    """Read a count; the name is shown when it cannot be read."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError("a count is at least 0")
    return int(text)


def days(text: str) -> int:
    """Read a number of days; the name is shown when it cannot be read."""
    if not 1 <= int(text) <= 3660:
        raise argparse.ArgumentTypeError("a number of days is from 1 to 3660")
    return int(text)


def seconds(text: str) -> float:
    """Read a number of seconds; the name is shown when it cannot be read."""
    if not float(text) > 0:
        raise argparse.ArgumentTypeError("a number of seconds is more than 0")
    return float(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sandbox until SIGINT or SIGTERM, and give the exit code."""
    options = _parser().parse_args(arguments)
    # Both, explicitly: a shell's background process starts with SIGINT ignored.
    _on_signals(_interrupt)
    cloud = Sandbox(
        port=options.port,
        backend=options.backend,
        sessions=options.sessions,
        days=options.days,
        complete=True,  # other clients may insist on what is documented
        chatter=options.chatter,
    )
    try:
        try:
            cloud.start()
        except OSError as error:
            sys.stderr.write(f"Cannot listen at port {options.port}: {error.strerror}\n")
            return 2
        with cloud:
            _introduce(cloud)
            _wait()
    except KeyboardInterrupt:
        return 0


def _on_signals(action: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, action)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _on_signals(_ignore)  # one is enough, and closing takes a moment only
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    pass  # unlike SIG_IGN, it says nothing about a signal that has come already


def _introduce(cloud: Sandbox) -> None:
    sys.stdout.write(f"export WEBEX_ACCESS_TOKEN={cloud.access_token}\n")
    sys.stdout.write(f"export U2C_SERVICE_URL={cloud.u2c_url}\n")
    sys.stdout.flush()
    sys.stderr.write(f"This is the Webex of {cloud.user.name}. Ctrl-C ends it.\n")


def _wait() -> NoReturn:
    never = Event()
    while True:
        never.wait(1)  # without a timeout, Windows would not hear Ctrl-C


if __name__ == "__main__":
    sys.exit(main())
