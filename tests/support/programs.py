"""Programs of the project, run as a user runs them: in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from callhistory.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

# A shell in the background starts programs that ignore SIGINT.
_HEEDING_CTRL_C = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
del sys.argv[0]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def account_of(cloud: Sandbox) -> dict[str, str]:
    """Return the environment of a program that is to use a sandbox."""
    return {"WEBEX_ACCESS_TOKEN": cloud.access_token, "U2C_SERVICE_URL": cloud.u2c_url}


def _where(environment: dict[str, str]) -> dict[str, Any]:
    variables = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment}
    return {"cwd": ROOT, "env": {**os.environ, **variables}}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with some arguments to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
        **_where(environment),
    )


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a Python program, given by its path and arguments, that heeds Ctrl-C."""
    return _start(arguments, environment, subprocess.PIPE)


def _start(
    arguments: tuple[str, ...], environment: dict[str, str], stderr: int
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-c", _HEEDING_CTRL_C, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
        **_where(environment),
    )


def run_until(
    words: tuple[str, ...], number: int, *arguments: str, **environment: str
) -> tuple[int, str, str]:
    """Run a program until it has printed all of some words, then send it a signal.

    Returns:
        The exit code, what was printed until then, and what was printed after that.
    """
    with _start(arguments, environment, subprocess.STDOUT) as process:
        assert process.stdout is not None
        printed = ""
        while not all(word in printed for word in words):
            line = process.stdout.readline()
            assert line, printed
            printed += line
        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)
    return process.returncode, printed, rest


@contextlib.contextmanager
def running(output: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program during a block, at whose end it is killed; it prints into a file."""
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-u", "-c", _HEEDING_CTRL_C, *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            **_where(environment),
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> int:
    """Send a signal to a program, wait for its end, and return its exit code."""
    process.send_signal(number)
    return process.wait(30)
