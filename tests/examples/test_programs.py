"""The examples that are finished programs: what they request, what they write, how they fail."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from export_csv import cell, json_lines

from callhistory import CallHistoryClient, UserSession, from_wire
from callhistory.sandbox import Sandbox
from tests.support.programs import ROOT, account_of, run, start

SHARED = {"account.py", "archive_tables.py"}
PROGRAMS = sorted(
    path.name
    for path in (ROOT / "examples").glob("*.py")
    if path.name not in SHARED and not path.name.startswith("test_")
)
ARGUMENTS = {"archive.py": ["--database=sqlite://"]}  # which is no file
WORST = '=HYPERLINK("http://evil.example","\x1b[2J\u202eclick")'


def all_programs(
    *arguments: str, but: str = "", **environment: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start all programs at once and yield them one by one; at the end all are killed."""
    with ExitStack() as stack:
        running = {}
        for name in set(PROGRAMS) - {but}:
            running[name] = stack.enter_context(
                start(f"examples/{name}", *arguments, *ARGUMENTS.get(name, ()), **environment)
            )
            stack.callback(running[name].kill)
        yield from running.items()


@pytest.mark.timeout(120)
def test_every_program_says_what_it_does() -> None:
    """With --help each program prints its first sentence, and does nothing else."""
    for name, process in all_programs("--help"):
        said, trouble = process.communicate(timeout=90)
        first = (ROOT / "examples" / name).read_text("utf-8").splitlines()[0].removeprefix('"""')
        assert (process.returncode, trouble) == (0, ""), name
        assert first in " ".join(said.split()), name


@pytest.mark.timeout(120)
def test_every_program_says_in_one_line_that_its_token_is_refused() -> None:
    """With a refused token each program ends with exit code 1 and one line, without a traceback."""
    with Sandbox() as cloud:
        refused = account_of(cloud) | {"WEBEX_ACCESS_TOKEN": "refused"}
        for name, process in all_programs(but="forward_to_redis.py", **refused):
            said, trouble = process.communicate(timeout=90)
            assert (process.returncode, said) == (1, ""), name
            assert trouble.startswith(f"{name}: 401: "), trouble
            assert trouble.count("\n") == 1, trouble


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_an_export_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    """Ctrl-C ends an export with exit code 130, and the file that was there is unchanged."""
    file = tmp_path / "calls.csv"
    file.write_text("as it was")
    with Sandbox() as cloud:
        cloud.fail_next("/userSessions", delay=30)
        process = start("examples/export_csv.py", f"--output={file}", **account_of(cloud))
        cloud.wait_for_requests("/userSessions", timeout=30)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 130
    assert file.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [file]


@pytest.fixture
def odd_cloud() -> Any:
    with Sandbox(sessions=20) as cloud:
        now = datetime.now(UTC)  # the order of calls that end together is their ids'
        odd: list[dict[str, Any]] = [
            {"name": WORST, "phone_number": "+15125550133", "isTest": True},
            {"name": "half \ud83d", "surprise": {"a": [None, 1.5, "\u2028"]}},
            {"name": "Zoë 🎈\u2028", "disposition": "VOICEMAIL"},
        ]
        for number, call in enumerate(odd):
            cloud.place_call(ended_at=now + timedelta(seconds=number - 9), **call)
        yield cloud


def test_json_lines_give_the_same_bytes_again(odd_cloud: Sandbox, tmp_path: Path) -> None:
    """A record that from_wire reads from a line is written as the same line, whatever is in it."""
    file = tmp_path / "calls.jsonl"
    done = run("examples/export_csv.py", f"--output={file}", **account_of(odd_cloud))
    assert (done.returncode, done.stdout) == (0, "")
    lines = file.read_bytes().split(b"\n")
    assert (len(lines), lines.pop()) == (24, b"")
    records = [from_wire(UserSession, json.loads(line)) for line in lines]
    with CallHistoryClient(odd_cloud.webex()) as client:
        assert records == list(client.get_call_history_data(sort="ASC"))

    again = tmp_path / "again.jsonl"
    again.write_bytes(b"".join(json_line(record) for record in records))
    assert again.read_bytes() == file.read_bytes()


def json_line(record: UserSession) -> bytes:
    (line,) = json_lines([record])
    return line


def test_csv_has_a_row_for_each_session(odd_cloud: Sandbox) -> None:
    """The CSV has the records' values, and a name that begins like a formula is only text."""
    done = run("examples/export_csv.py", **account_of(odd_cloud))
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    with CallHistoryClient(odd_cloud.webex()) as client:
        sessions = list(client.get_call_history_data(sort="ASC"))
    assert [row["session_id"] for row in rows] == [s.session_id for s in sessions]
    assert [datetime.fromisoformat(row["end_time"]) for row in rows] == [
        s.end_time for s in sessions
    ]
    assert [row["other_name"] for row in rows[-3:]] == [f"'{WORST}", "half ?", "Zoë 🎈\u2028"]
    assert rows[-3]["other_phone_number"] == "+15125550133"
    assert rows[-1]["disposition"] == "VOICEMAIL"


@pytest.mark.parametrize(
    "start", ["=1", "+a", "-1", "@a", " =1", "\t=1", "\r@a", "\n+a", "\uff1d1"]
)
def test_no_cell_begins_like_a_formula(start: str) -> None:
    """Whatever a spreadsheet would take for a formula gets an apostrophe, and nothing else does."""
    assert cell(start) == f"'{start}"
    assert [cell(value) for value in ("+15125550133", "Ada", "", None, 7, True)] == [
        "+15125550133",
        "Ada",
        "",
        None,
        7,
        True,
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in a folder")
def test_an_export_goes_where_a_link_or_a_pipe_leads(odd_cloud: Sandbox, tmp_path: Path) -> None:
    """Through a link the file that it leads to is written, and a pipe is written to."""
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with start("examples/export_csv.py", f"--output={pipe}", **account_of(odd_cloud)) as process:
        piped = pipe.read_bytes()
        assert process.communicate(timeout=30)[0] == ""
    link = tmp_path / "link.csv"
    run("examples/export_csv.py", f"--output={link}", **account_of(odd_cloud))

    assert link.is_symlink()
    assert pipe.is_fifo()
    assert (tmp_path / "real.csv").read_bytes() == piped
    assert piped.count(b"\r\n") == 24


@pytest.mark.parametrize("name", ["recent_calls.py", "quickstart.py"])
def test_a_pipe_that_closes_and_a_poor_terminal_are_no_trouble(
    name: str, odd_cloud: Sandbox
) -> None:
    """`… | head` ends a program quietly; letters that a terminal lacks become question marks."""
    with start(f"examples/{name}", **account_of(odd_cloud)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    done = run(f"examples/{name}", **account_of(odd_cloud) | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Zo? ?" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("recent_calls.py", "--days=0"),
        ("recent_calls.py", f"--limit={'9' * 5_000}"),
        ("delete_old_records.py", "--older-than=900000"),
        ("delete_old_records.py", "--older-than=30", "--within=30"),
        ("missed_call_alert.py", "--to=desk"),
        ("live_events.py", "--seconds=nan"),
        ("export_csv.py", "--output=no/such/folder/calls.csv"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_refused(arguments: tuple[str, ...]) -> None:
    """It is refused in one sentence, before anything is requested."""
    with Sandbox(sessions=0) as cloud:
        done = run(f"examples/{arguments[0]}", *arguments[1:], **account_of(cloud))
        assert cloud.requests == ()
    assert (done.returncode > 0, done.stdout) == (True, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"{arguments[0]}: ")
    assert len(last) < 200


def test_csv_of_nothing_is_its_heading() -> None:
    """An empty history is exported as the names of the columns."""
    with Sandbox(sessions=0) as cloud:
        done = run("examples/export_csv.py", "--format=csv", **account_of(cloud))
    assert done.stdout.startswith("session_id,start_time,")
    assert done.stdout.count("\n") == 1


def test_recent_calls_are_one_line_each(odd_cloud: Sandbox) -> None:
    """A call is one line, whatever characters are in its name; --missed leaves out the rest."""
    done = run("examples/recent_calls.py", **account_of(odd_cloud))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert len(lines) == 24
    assert not set("\x1b\u202e\u2028") & set(done.stdout)

    missed = run("examples/recent_calls.py", "--missed", **account_of(odd_cloud)).stdout
    with CallHistoryClient(odd_cloud.webex()) as client:
        history = client.get_call_history_data()
    assert missed.count("\n") == sum(s.disposition == "MISSED" and not s.is_read for s in history)


@pytest.fixture
def old_cloud() -> Any:
    """Return a sandbox with thirty old calls, a deleted old one, and five of this week."""
    with Sandbox(sessions=0) as cloud:
        cloud.place_call(ended_at=datetime.now(UTC) - timedelta(days=50), isDeleted=True)
        for number in range(30):
            ended_at = datetime.now(UTC) - timedelta(days=40, hours=number)
            cloud.place_call(ended_at=ended_at)
        for number in range(5):
            cloud.place_call(ended_at=datetime.now(UTC) - timedelta(days=number))
        yield cloud


def left(cloud: Sandbox) -> int:
    with CallHistoryClient(cloud.webex()) as client:
        return len(client.get_call_history_data(days=100, limit=1_000))


def test_old_records_are_only_counted(old_cloud: Sandbox) -> None:
    """Without --yes the old records are counted and none is deleted."""
    done = run("examples/delete_old_records.py", **account_of(old_cloud))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("30 records, from ")
    assert done.stdout.endswith("Nothing was deleted: --yes deletes them.\n")
    assert old_cloud.requests_to("/markAsDeleted") == ()


def test_a_deletion_goes_on_where_it_was_stopped(old_cloud: Sandbox) -> None:
    """Old records are deleted in batches; after a refusal the same command deletes the rest."""
    command = ("examples/delete_old_records.py", "--yes", "--batch=12")
    old_cloud.fail_next("/markAsDeleted", delay=0.001)  # the first batch is deleted
    old_cloud.fail_next("/markAsDeleted", status=500)
    done = run(*command, **account_of(old_cloud))
    assert done.returncode == 1
    assert done.stdout.endswith("deleted 12 of 30\n18 are left: run it again to go on.\n")
    assert done.stderr.startswith("delete_old_records.py: 500: ")
    assert left(old_cloud) == 24

    done = run(*command, **account_of(old_cloud))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("deleted 12 of 18\ndeleted 18 of 18\n")
    assert left(old_cloud) == 6
    assert run(*command, **account_of(old_cloud)).stdout == "No record is older than 30 days.\n"
