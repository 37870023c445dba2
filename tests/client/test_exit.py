"""The end of a program that listens."""

from __future__ import annotations

import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from callhistory.sandbox import Sandbox
from tests.support.closed_clients import LONGEST, NOT_ON_WINDOWS
from tests.support.programs import account_of, start


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Return a sandbox in which something happens all the time."""
    with Sandbox(chatter=0.005) as running:
        yield running


HEAD = """
import sys, threading, time
from callhistory import CallHistoryClient
RECENT = "callHistory:user_recent_sessions"
client = CallHistoryClient()
"""
Start = Callable[[str], "subprocess.Popen[str]"]


@attrs.frozen
class End:
    """How a program ended, whose last line is the time at which it printed that."""

    code: int
    output: str
    errors: str
    seconds: float  # from its last line


@pytest.fixture
def start_program(cloud: Sandbox, tmp_path: Path) -> Start:
    """Return a function that starts a program with a client that has an account in a sandbox."""

    def start_it(source: str) -> subprocess.Popen[str]:
        file = tmp_path / "program.py"
        file.write_text(HEAD + textwrap.dedent(source))
        return start(str(file), **account_of(cloud))

    return start_it


def end_of(process: subprocess.Popen[str]) -> End:
    """Wait for the end of a program."""
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
    "while it exits with a code": "client.listen(); print(time.time()); sys.exit(3)",
    "while it connects": """
        threading.Thread(target=client.listen, daemon=True).start()
        time.sleep(0.02)
    """,
}


@pytest.mark.parametrize("moment", FORGETS_CLOSE)
def test_program_that_forgets_close_ends_at_once(start_program: Start, moment: str) -> None:
    """A program without close() ends after its last line, with its own code and without a word."""
    end = end_of(start_program(textwrap.dedent(FORGETS_CLOSE[moment]) + "\nprint(time.time())"))

    assert (end.code, end.output, end.errors) == (3 if "code" in moment else 0, "", "")
    assert end.seconds < LONGEST


def test_program_that_a_handler_ends_leaves_no_device(cloud: Sandbox, start_program: Start) -> None:
    """When a handler closes the client, a program in wait() ends, and its device is deleted."""
    cloud.fail_next("/devices/", method="DELETE", delay=0.2)
    end = end_of(
        start_program(
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
def test_ctrl_c_ends_a_program_that_waits(cloud: Sandbox, start_program: Start) -> None:
    """Ctrl-C in wait() is a KeyboardInterrupt at once, and the with block closes the client."""
    process = start_program(
        """
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
