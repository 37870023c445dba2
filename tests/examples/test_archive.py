"""The archive as users run it: repeatedly, interrupted, following; on either database."""

from __future__ import annotations

import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import archive
import pytest

from callhistory import CallHistoryClient, to_wire
from callhistory.sandbox import Sandbox
from tests.examples.archive_interrupted import Outcome, interrupt
from tests.examples.archiving import archive_calls, days_asked, history_of, rows_of
from tests.support.programs import account_of, start
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.mark.timeout(120)
def test_what_is_killed_is_complete_when_it_is_run_again(database: str) -> None:
    """Killed twice and run again, the archive has each session once, with all its content."""
    with Sandbox(sessions=300) as cloud:
        outcome = interrupt(cloud, database, kills=2)
    assert outcome == Outcome(
        killed_at=(90, 190),
        said="300 sessions in the archive, 110 new.",
        rows=300,
        duplicates=0,
        losses=0,
        changed=0,
    )


def test_a_second_run_adds_only_what_is_new(database: str) -> None:
    """A second run asks for two days instead of thirty, and adds the call that came since."""
    option = f"--database={database}"
    with Sandbox(sessions=40) as cloud:
        cloud.place_call(ended_at=datetime.now(UTC) - timedelta(days=20))
        assert archive_calls(cloud, option) == "41 sessions in the archive, 41 new.\n"
        assert 30 <= days_asked(cloud) < 30.1

        assert archive_calls(cloud, option) == "41 sessions in the archive, 0 new.\n"
        assert 2 <= days_asked(cloud) < 2.1

        cloud.place_call()
        assert archive_calls(cloud, option) == "42 sessions in the archive, 1 new.\n"
        expected = {session.session_id: to_wire(session) for session in history_of(cloud)}
    records = {id_: json.loads(row["record"]) for id_, row in rows_of(database).items()}
    assert records == expected


def test_more_days_and_a_refresh_ask_for_all_of_them(database: str) -> None:
    """More days than before are asked for; --refresh asks for all again, and finds read marks."""
    option = f"--database={database}"
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        old = cloud.place_call(ended_at=datetime.now(UTC) - timedelta(days=20))
        cloud.place_call()
        assert archive_calls(cloud, option, "--days=10") == "1 sessions in the archive, 1 new.\n"
        assert archive_calls(cloud, option, "--days=40") == "2 sessions in the archive, 1 new.\n"
        assert 40 <= days_asked(cloud) < 40.1

        client.update_missed_calls([old]).raise_for_status()
        archive_calls(cloud, option)
        assert not rows_of(database)[old.session_id]["is_read"]
        archive_calls(cloud, option, "--refresh")
        assert 30 <= days_asked(cloud) < 30.1
    assert rows_of(database)[old.session_id]["is_read"]


def test_a_run_that_was_not_complete_does_not_count(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run that was interrupted the next one asks for all days and adds what is missing."""
    store = archive.Archive.store
    stored: list[int] = []

    def store_once(self: archive.Archive, page: Any) -> None:
        if stored:
            raise KeyboardInterrupt
        store(self, page)
        stored.append(len(page))

    options = (f"--database={database}", "--batch=15")
    with Sandbox(sessions=40) as cloud:
        with monkeypatch.context() as patch:
            patch.setattr("archive.Archive.store", store_once)
            with pytest.raises(KeyboardInterrupt):
                archive_calls(cloud, *options)
        assert len(rows_of(database)) == 15
        assert archive_calls(cloud, *options) == "40 sessions in the archive, 25 new.\n"
        assert 30 <= days_asked(cloud) < 30.1


def test_what_happens_is_followed_until_a_signal(database: str) -> None:
    """New calls, read marks and deletions are archived; a signal ends it with exit code 0."""
    end = signal.SIGINT if database.startswith("sqlite") else signal.SIGTERM
    with Sandbox(sessions=20) as cloud:
        program = ("examples/archive.py", f"--database={database}", "--follow")
        process = start(*program, **account_of(cloud))
        assert process.stdout is not None
        assert process.stdout.readline() == "20 sessions in the archive, 20 new.\n"
        assert process.stdout.readline() == "Following. Ctrl-C ends it.\n"
        asked = cloud.requests_to("/userSessions", "GET")[0].received_at
        assert (cloud.connections[0].ready_at or asked) < asked

        called = cloud.place_call(disposition="MISSED")
        assert wait_until(lambda: called.session_id in rows_of(database), 30)
        read, deleted = history_of(cloud)[:2]
        with CallHistoryClient(cloud.webex()) as client:
            client.update_missed_calls([read]).raise_for_status()
            client.delete_call_history_records([deleted]).raise_for_status()
        assert wait_until(lambda: rows_of(database)[deleted.session_id]["deleted_at"], 30)
        process.send_signal(end)
        said, trouble = process.communicate(timeout=30)
        assert cloud.devices == ()
    assert (process.returncode, trouble) == (0, "")
    assert said == "21 sessions in the archive, 21 new.\n"
    rows = rows_of(database)
    assert rows[read.session_id]["is_read"]
    assert [row["session_id"] for row in rows.values() if row["deleted_at"]] == [deleted.session_id]
