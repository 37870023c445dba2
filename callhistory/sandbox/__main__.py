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
    parser.add_argument(
        "--port", type=port, default=0, help="the port to listen on (default: any free port)"
    )
    parser.add_argument(
        "--backend", choices=BACKENDS, default=BACKENDS[0], help="the calling backend"
    )
    parser.add_argument(
        "--sessions", type=count, default=60, help="the number of sample sessions (default: 60)"
    )
    parser.add_argument(
        "--days",
        type=days,
        help="the days that the sessions are spread over, mostly during working hours "
        "(default: evenly over six days)",
    )
    parser.add_argument(
        "--chatter",
        type=seconds,
        metavar="SECONDS",
        help="the interval at which calls happen by themselves (default: never)",
    )
    return parser


def port(text: str) -> int:
    """Return a port; argparse shows this function's name if the text is not a number."""
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port must be from 0 to 65535")
    return int(text)


def count(text: str) -> int:
    """Return a count; argparse shows this function's name if the text is not a number."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError("a count must be at least 0")
    return int(text)


def days(text: str) -> int:
    """Return a number of days; argparse shows this function's name if it is not a number."""
    if not 1 <= int(text) <= 3660:
        raise argparse.ArgumentTypeError("a number of days must be from 1 to 3660")
    return int(text)


def seconds(text: str) -> float:
    """Return a number of seconds; argparse shows this function's name if it is not a number."""
    if not float(text) > 0:
        raise argparse.ArgumentTypeError("a number of seconds must be more than 0")
    return float(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sandbox until SIGINT or SIGTERM, and return the exit code."""
    options = _parser().parse_args(arguments)
    # Both, and explicitly: a background process of a shell starts with SIGINT ignored.
    _on_signals(_interrupt)
    cloud = Sandbox(
        port=options.port,
        backend=options.backend,
        sessions=options.sessions,
        days=options.days,
        complete=True,  # clients in other languages may rely on every documented field
        chatter=options.chatter,
    )
    try:
        try:
            cloud.start()
        except OSError as error:
            sys.stderr.write(f"Cannot listen on port {options.port}: {error.strerror}\n")
            return 2
        with cloud:
            sys.stdout.write(f"export WEBEX_ACCESS_TOKEN={cloud.access_token}\n")
            sys.stdout.write(f"export U2C_SERVICE_URL={cloud.u2c_url}\n")
            sys.stdout.flush()
            sys.stderr.write(f"This is the Webex of {cloud.user.name}. Press Ctrl-C to end it.\n")
            _wait()
    except KeyboardInterrupt:
        return 0


def _on_signals(action: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, action)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _on_signals(_ignore)  # one signal is enough; a second must not interrupt the closing
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    pass  # SIG_IGN would print an error for a signal that has arrived already


def _wait() -> NoReturn:
    never = Event()
    while True:
        never.wait(1)  # without a timeout, Windows does not notice Ctrl-C


if __name__ == "__main__":
    sys.exit(main())
