"""A real Redis for tests: a redis-server process on this machine."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import pytest
import redis

from tests.support.waiting import wait_until

MISSING = "Redis is not installed (Debian: redis-server)"


class RedisServer:
    """A Redis that can be stopped, and started again at the same address with the same data.

    Attributes:
        url: where it is.
    """

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip(MISSING)
        self._program = program
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        for _ in range(10):
            if self._try():
                return
        log = (self._folder / "log").read_text("utf-8", "replace")
        raise RuntimeError(f"redis-server does not start:\n{log}")

    def _try(self) -> bool:
        if not self._port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self._port = free.getsockname()[1]
        options = {
            "bind": "127.0.0.1",
            "port": f"{self._port}",
            "save": "",
            "appendonly": "yes",
            "dir": f"{self._folder}",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen([self._program, *words], stdout=log, stderr=log)
        self._process = process
        self.url = f"redis://127.0.0.1:{self._port}/0"
        wait_until(lambda: process.poll() is not None or self._answers(), timeout=30)
        if process.poll() is None and self._answers():
            return True
        self.stop()
        self._port = 0  # somebody else took it
        return False

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.database() as database:
            return bool(database.ping())
        return False

    def database(self) -> Any:
        """Return a client of it."""
        return redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=20)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
