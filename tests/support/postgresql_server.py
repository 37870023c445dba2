"""A PostgreSQL server for tests, where one is installed, and databases in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.support.waiting import wait_until

NOT_INSTALLED = "PostgreSQL is not installed (Debian: postgresql)"
# The data is deleted after the tests: nothing has to reach a disk.
CAREFREE = ("fsync", "full_page_writes", "synchronous_commit")


def find_program(name: str) -> Path | None:
    """Return the path of a PostgreSQL program, also of those that Debian keeps out of PATH."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Run a server without a port during a block, and return the folder of its socket.

    It refuses to run as root, and is then started as another user.
    """
    initdb, postgres = find_program("initdb"), find_program("postgres")
    assert initdb is not None
    assert postgres is not None
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        if user is not None:
            shutil.chown(folder, user, user)
        data = Path(folder, "data")
        make: list[str | Path] = [
            initdb,
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
        ]
        subprocess.run(
            [*make, "--locale=C", data],
            cwd=folder,
            user=user,
            group=user,
            check=True,
            capture_output=True,
        )
        log = Path(folder, "log")
        settings = (
            "listen_addresses=",
            "shared_buffers=16MB",
            *(f"{name}=off" for name in CAREFREE),
        )
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [postgres, "-D", data, "-k", folder, *(f"-c{setting}" for setting in settings)],
                cwd=folder,
                user=user,
                group=user,
                stdout=output,
                stderr=output,
            ) as server,
        ):
            try:
                ready = wait_until(lambda: server.poll() is not None or _answers(folder), 30)
                assert ready, log.read_text()
                assert server.poll() is None, log.read_text()
                yield folder
            finally:
                server.send_signal(signal.SIGINT)  # "fast": it ends connections, too
                try:
                    server.wait(20)
                except subprocess.TimeoutExpired:
                    server.send_signal(signal.SIGQUIT)  # "immediate"


def _answers(folder: str) -> bool:
    try:
        psycopg.connect(host=folder, user="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def create_database(folder: str) -> str:
    """Create a database, and return its address in libpq's form."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(host=folder, user="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Return the folder of a running server's socket; one server serves a whole run."""
    if find_program("initdb") is None:
        pytest.skip(NOT_INSTALLED)
    with running_postgresql() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'calls.db'}"
    return create_database(request.getfixturevalue("postgresql"))
