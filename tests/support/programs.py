"""Programs of the project, run as a user runs them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from callhistory.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

# A shell in the background starts programs that ignore SIGINT.
HEEDING_CTRL_C = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
del sys.argv[0]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_until(line: str, end: int, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run an example until it prints something, and send it a signal then."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", HEEDING_CTRL_C, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        while line not in said:
            more = process.stdout.readline()
            assert more, said
            said += more
        process.send_signal(end)
        rest, _ = process.communicate(timeout=20)
    return process.returncode, said, rest


@contextlib.contextmanager
def running(output: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside the test; what it says gets into a file. At the end it is killed."""
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-u", "-c", HEEDING_CTRL_C, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> int:
    """Send a signal to a program, wait for its end, and give its exit code."""
    process.send_signal(number)
    return process.wait(30)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in the folder of the project."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )


def account_of(cloud: Sandbox) -> dict[str, str]:
    """Give what a program needs in its environment to ask a sandbox."""
    return {"WEBEX_ACCESS_TOKEN": cloud.access_token, "U2C_SERVICE_URL": cloud.u2c_url}


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a Python program that heeds Ctrl-C in the folder of the project."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HEEDING_CTRL_C, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
