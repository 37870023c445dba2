"""The sandbox as a program, and without its extra."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

PROGRAM = [sys.executable, "-W", "error", "-m", "callhistory.sandbox"]
WITHOUT_FLASK = "import sys; sys.modules['flask'] = None; "


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_lines(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    return process.stdout.readline(), process.stdout.readline()


def sessions_of(token: str, u2c_url: str) -> list[object]:
    url = f"{u2c_url.removesuffix('/u2c/api/v1')}/janus/api/v1/history/userSessions"
    query = {"from": "2000-01-01T00:00:00.000Z", "includeNewSessionTypes": "true"}
    headers = {"Authorization": f"Bearer {token}"}
    found = requests.get(url, params=query, headers=headers, timeout=5).json()
    sessions: list[object] = found["userSessions"]
    return sessions


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_lines_are_what_a_client_needs(number: signal.Signals) -> None:
    """The first two lines set the environment of a client; a signal ends the program cleanly."""
    with running("--sessions", "3", "--backend", "UCM_CALLING") as process:
        token_line, url_line = first_lines(process)
        token = re.fullmatch(r"export WEBEX_ACCESS_TOKEN=([\w-]+)\n", token_line)
        url = re.fullmatch(
            r"export U2C_SERVICE_URL=(http://127\.0\.0\.1:\d+/u2c/api/v1)\n", url_line
        )
        assert token
        assert url
        assert len(sessions_of(token[1], url[1])) == 3

        process.send_signal(number)
        out, err = process.communicate(timeout=10)

    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert token[1] not in err


def test_calls_come_in_by_themselves() -> None:
    """With chatter, calls land in the history one after the other."""
    with running("--sessions", "0", "--chatter", "0.05") as process:
        token_line, url_line = first_lines(process)
        token, url = (line.strip().partition("=")[2] for line in (token_line, url_line))
        deadline = time.monotonic() + 10
        while len(sessions_of(token, url)) < 2:
            assert time.monotonic() < deadline

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)

    assert process.returncode == 0


def test_second_signal_changes_nothing() -> None:
    """Further signals do not disturb the closing."""
    with running("--sessions", "0") as process:
        first_lines(process)
        for _ in range(5):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)

    assert process.returncode == 0
    assert "Traceback" not in err


def test_taken_port_is_one_line() -> None:
    """A port in use causes an error of one line, and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(*PROGRAM, "--port", str(port))

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert str(port) in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "65536"),
        ("--port", "x"),
        ("--sessions", "-1"),
        ("--days", "0"),
        ("--backend", "OTHER"),
        ("--chatter", "0"),
        ("--chatter", "x"),
    ],
)
def test_wrong_argument_is_named(arguments: tuple[str, str]) -> None:
    """An argument out of its range is refused by its name, with exit code 2."""
    done = run(*PROGRAM, *arguments)

    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_extra_is_named_on_import() -> None:
    """Without Flask the import says what to install."""
    done = run(sys.executable, "-c", f"{WITHOUT_FLASK}from callhistory.sandbox import Sandbox")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: ")
    assert "pip install callhistory[sandbox]" in done.stderr.splitlines()[-1]


def test_missing_extra_is_named_by_the_program() -> None:
    """Without Flask the program says in one line what to install."""
    program = "import runpy; runpy._run_module_as_main('callhistory.sandbox')"
    done = run(sys.executable, "-c", WITHOUT_FLASK + program)

    assert done.returncode == 1
    assert "pip install callhistory[sandbox]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
