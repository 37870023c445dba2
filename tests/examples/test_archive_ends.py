"""How the archive's program ends, and what it shows: errors, Ctrl-C, a terminal, no account."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from archive import ArchiveError
from sqlalchemy import text

from callhistory import CallHistoryError
from callhistory.sandbox import Sandbox
from tests.examples.archive_interrupted import open_database
from tests.examples.archiving import archive_calls, days_asked, rows_of
from tests.support.programs import ROOT, account_of, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def test_samples_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample calls leave no file; the file of a real account refuses sample calls."""
    monkeypatch.chdir(tmp_path)
    assert archive_calls(None) == "60 sessions in the archive, 60 new.\n"
    assert list(tmp_path.iterdir()) == []

    with Sandbox(sessions=3, seed=2) as cloud:
        archive_calls(cloud)
    assert [file.name for file in tmp_path.iterdir()] == ["call-history.db"]
    with pytest.raises(ArchiveError, match="has the calls of another user"):
        archive_calls(None, "--database=sqlite:///call-history.db")
    assert len(rows_of("sqlite:///call-history.db")) == 3


def test_a_history_may_be_empty(database: str) -> None:
    """An empty history archives nothing, and the next run asks for all days again."""
    with Sandbox(sessions=0) as cloud:
        for _ in range(2):
            said = archive_calls(cloud, f"--database={database}")
            assert said == "0 sessions in the archive, 0 new.\n"
            assert 30 <= days_asked(cloud) < 30.1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite:////nowhere/calls.db", "sqlite:////nowhere/calls.db: unable to open"),
        ("postgresql://me:hush@127.0.0.1:1/calls?password=hush", "127.0.0.1:1/calls: connection "),
    ],
)
def test_a_database_that_cannot_be_had_is_said_in_one_line(address: str, words: str) -> None:
    """The error names the database and the reason in one line, without a password."""
    with Sandbox() as cloud, pytest.raises(ArchiveError) as raised:
        archive_calls(cloud, f"--database={address}")
    said = str(raised.value)
    assert words in said
    assert "\n" not in said
    assert "hush" not in said
    assert "HttpTasks" not in said


@pytest.mark.parametrize(
    "address", ["calls.db", "mysql://me:hush@db/calls", "postgresql://me:hush@db:port/calls", ""]
)
def test_what_is_no_address_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that names no SQLite and no PostgreSQL is refused, without showing it."""
    with pytest.raises(SystemExit) as raised:
        archive_calls(None, f"--database={address}")
    assert raised.value.code == 2
    said = capsys.readouterr().err
    assert "expected an address such as sqlite:///call-history.db" in said
    assert "hush" not in said


def test_days_of_another_age_are_refused(tmp_path: Path) -> None:
    """More days than a calendar has are an error with words, also in a later run."""
    database = f"--database=sqlite:///{tmp_path / 'calls.db'}"
    with Sandbox(sessions=3) as cloud:
        archive_calls(cloud, database)
        with pytest.raises(ValueError, match="days: 999999 is too large"):
            archive_calls(cloud, database, "--days=999999")


def test_an_error_is_one_line(tmp_path: Path) -> None:
    """A database error ends the program with exit code 1 and one line."""
    file = tmp_path / "calls.db"
    file.write_text("this is no database, " * 100)
    with Sandbox() as cloud:
        process = start("examples/archive.py", f"--database=sqlite:///{file}", **account_of(cloud))
        said, trouble = process.communicate(timeout=50)
    assert (process.returncode, said) == (1, "")
    assert trouble == f"archive.py: sqlite:///{file}: file is not a database\n"


def test_ctrl_c_ends_a_run_that_is_not_complete(tmp_path: Path) -> None:
    """Ctrl-C ends a run that waits for Webex with exit code 130, and quietly."""
    with Sandbox() as cloud:
        cloud.fail_next("/userSessions", delay=60)
        database = f"--database=sqlite:///{tmp_path / 'calls.db'}"
        process = start("examples/archive.py", database, **account_of(cloud))
        cloud.wait_for_requests("/userSessions", timeout=50)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert cloud.devices == ()
    assert process.returncode == 130


def follow_and(cloud: Sandbox, database: str, happening: Callable[[], object]) -> None:
    """Run the program with --follow, and call a function once it follows; it must end by itself."""

    def when_ready() -> None:
        cloud.wait_for_connections(timeout=30)
        happening()

    thread = threading.Thread(target=when_ready)
    thread.start()
    try:
        archive_calls(cloud, f"--database={database}", "--follow")
    finally:
        thread.join()


def test_following_ends_when_webex_refuses_for_good(tmp_path: Path) -> None:
    """A connection that replaces this one ends the program with Webex's words."""
    with Sandbox() as cloud, pytest.raises(CallHistoryError, match="4000: replaced"):
        follow_and(cloud, f"sqlite:///{tmp_path / 'calls.db'}", cloud.replace_connections)


def test_following_ends_when_the_database_fails(database: str) -> None:
    """A database that refuses an event ends the program; no event is lost silently."""

    def fail() -> None:
        with open_database(database).begin() as connection:
            connection.execute(text("DROP TABLE sessions"))
        cloud.place_call(name="Ada Okonkwo")

    with Sandbox() as cloud:
        archive_calls(cloud, f"--database={database}")
        with pytest.raises(ArchiveError, match="sessions") as raised:
            follow_and(cloud, database, fail)
    assert "\n" not in str(raised.value)
    assert "Ada" not in str(raised.value)


def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    """On a terminal there is a progress bar with the count of calls; elsewhere there is none."""
    import pty
    import termios

    command = [sys.executable, "examples/archive.py", f"--database=sqlite:///{tmp_path}/calls.db"]
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with (
        Sandbox(sessions=40) as cloud,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **account_of(cloud)},
            stdout=subprocess.PIPE,
            stderr=theirs,
        ) as process,
    ):
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # at its end Linux says that nobody is there
            while more := os.read(ours, 1_000):
                shown += more
        said, _ = process.communicate(timeout=50)
    os.close(ours)
    assert (process.returncode, said) == (0, b"40 sessions in the archive, 40 new.\n")
    assert b"40/40" in shown
    assert b"archived" in shown
