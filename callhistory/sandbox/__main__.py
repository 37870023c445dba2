"""``python -m callhistory.sandbox``: the sandbox for other programs."""

from __future__ import annotations

import argparse
import math
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
        "--port",
        type=_whole_number("port", 0, 65535),
        default=0,
        help="the port to listen on (default: any free port)",
    )
    parser.add_argument(
        "--backend", choices=BACKENDS, default=BACKENDS[0], help="the calling backend"
    )
    parser.add_argument(
        "--sessions",
        type=_whole_number("count", 0),
        default=60,
        help="the number of sample sessions (default: 60)",
    )
    parser.add_argument(
        "--days",
        type=_whole_number("number of days", 1, 3660),
        help="the days that the sessions are spread over, mostly during working hours "
        "(default: evenly over six days)",
    )
    parser.add_argument(
        "--chatter",
        type=_interval,
        metavar="SECONDS",
        help="the interval at which calls happen by themselves (default: never)",
    )
    return parser


def _whole_number(name: str, least: int, most: float = math.inf) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not least <= int(text) <= most:
            limits = f"at least {least}" if most == math.inf else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"a {name} must be {limits}")
        return int(text)

    read.__name__ = name  # argparse shows it for a text that is not a number
    return read


def _interval(text: str) -> float:
    if not float(text) > 0:
        raise argparse.ArgumentTypeError("an interval must be more than 0 seconds")
    return float(text)


_interval.__name__ = "interval"


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
