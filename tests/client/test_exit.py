"""The end of a program that hears live events."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from callhistory.sandbox import Sandbox
from tests.support.closed_clients import LONGEST, NOT_ON_WINDOWS


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Give a sandbox in which something happens all the time."""
    with Sandbox(chatter=0.005) as running:
        yield running


@attrs.frozen
class End:
    """How a program ended."""

    code: int
    output: str
    errors: str
    seconds: float  # from its last line


def start(cloud: Sandbox, program: str) -> subprocess.Popen[str]:
    """Start a program with a client that has an account in a sandbox."""
    root = Path(__file__).parents[2]
    head = """
        import sys, threading, time
        from callhistory import CallHistoryClient
        RECENT = "callHistory:user_recent_sessions"
        client = CallHistoryClient()
    """
    environment = {
        "PYTHONPATH": str(root),
        "WEBEX_ACCESS_TOKEN": cloud.access_token,
        "U2C_SERVICE_URL": cloud.u2c_url,
    }
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(program)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> End:
    """Wait for the end of a program that prints the time in its last line."""
    output, errors = process.communicate(timeout=30)
    ended = time.time()
    *lines, last = output.splitlines()
    return End(process.returncode, "\n".join(lines), errors, ended - float(last))


FORGETS_CLOSE = {
    "while it listens": "client.listen()",
    "while it handles an event": """
        began = threading.Event()
        client.on(RECENT, lambda event: (began.set(), time.sleep(60)))
        client.listen()
        began.wait()
    """,
    "while it connects": """
        threading.Thread(target=client.listen, daemon=True).start()
        time.sleep(0.02)
    """,
}


@pytest.mark.parametrize("moment", FORGETS_CLOSE)
def test_program_that_forgets_close_ends_at_once(cloud: Sandbox, moment: str) -> None:
    """A program without close() ends after its last line, without an error and without a word."""
    process = start(cloud, textwrap.dedent(FORGETS_CLOSE[moment]) + "\nprint(time.time())")

    end = end_of(process)
    assert (end.code, end.output, end.errors) == (0, "", "")
    assert end.seconds < LONGEST


def test_program_without_close_keeps_its_exit_code(cloud: Sandbox) -> None:
    """sys.exit() ends a program that listens with its code."""
    end = end_of(start(cloud, "client.listen(); print(time.time()); sys.exit(3)"))

    assert (end.code, end.errors) == (3, "")
    assert end.seconds < LONGEST


def test_program_that_a_handler_ends_leaves_no_device(cloud: Sandbox) -> None:
    """When a handler closes the client, the program that waits ends, and its device is gone."""
    cloud.fail_next("/devices/", method="DELETE", delay=0.2)
    end = end_of(
        start(
            cloud,
            """
            client.on(RECENT, lambda event: client.close())
            client.listen()
            client.wait()
            print(time.time())
            """,
        )
    )

    assert (end.code, end.errors) == (0, "")
    assert cloud.devices == ()


@NOT_ON_WINDOWS
def test_ctrl_c_ends_a_program_that_waits(cloud: Sandbox) -> None:
    """Ctrl-C in wait() is a KeyboardInterrupt at once, and the with block closes the client."""
    process = start(
        cloud,
        """
        import signal
        # A program in the background ignores it otherwise.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with client:
            try:
                client.listen()
                client.wait()
            except KeyboardInterrupt:
                print(time.time())
        """,
    )
    cloud.wait_for_connections(timeout=20)
    cloud.wait_for_frames("ack", count=3)
    sent = time.time()
    process.send_signal(signal.SIGINT)

    end = end_of(process)
    assert (end.code, end.output, end.errors) == (0, "", "")
    assert time.time() - sent < LONGEST
    assert cloud.devices == ()
