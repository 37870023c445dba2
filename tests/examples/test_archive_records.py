"""How the archive stores odd sessions and events, and which days a run asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from archive import Archive, Event, Span, database_url, days_to_ask
from archive_tables import as_key, sessions
from sqlalchemy import create_engine, select

from callhistory import (
    CallSessionDeletedEvent,
    CallSessionViewedEvent,
    UserSession,
    from_wire,
)
from callhistory.sandbox import Sandbox
from tests.examples.archiving import archive_calls, history_of, rows_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def archive(database: str) -> Iterator[Archive]:
    """Return an archive with empty tables."""
    opened = Archive(database_url(database))
    opened.create_tables()
    yield opened
    opened.close()


def call(
    session_id: str = "one", end_time: str = "2026-03-01T11:00:00.000Z", **wire: Any
) -> UserSession:
    """Return a session as Webex would send it."""
    times = {"startTime": "2026-03-01T10:59:00.000Z", "endTime": end_time}
    return from_wire(UserSession, {"id": session_id, "sessionId": session_id, **times, **wire})


def viewed(*session_ids: str) -> Event:
    read = {"userReadSessions": [{"sessionId": session_id} for session_id in session_ids]}
    return from_wire(CallSessionViewedEvent, {"data": {"userReadSessions": read}})


def deleted(*session_ids: str) -> Event:
    return from_wire(CallSessionDeletedEvent, {"data": {"deletedSessions": list(session_ids)}})


# Deeper than any interpreter goes; how deep that is differs between versions.
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

ODD: dict[str, dict[str, Any]] = {
    "half a pair": {"other": {"name": "half \ud83d"}, "disposition": "\udfff"},
    "NUL": {"other": {"name": "N\0L", "phoneNumber": "\0"}, "self": {"id": "\0"}},
    "long": {"other": {"name": "x" * 1_000_000}},
    "huge": {"durationSeconds": 10**30, "participantCount": -(10**300)},
    "unknown": {"disposition": "VOICEMAIL", "direction": "SIDEWAYS", "sessionType": ""},
    "more": {"surprise": {"a": [None, 1.5, "\u2028", "\ud83d"]}, "other": {"surprise": "\0"}},
    "other types": {"other": [], "self": 5, "durationSeconds": "9", "isRead": "true"},
    "first year": {"startTime": "0001-01-01T00:00:00.000Z", "endTime": "0001-01-01T00:00:00.000Z"},
    "last year": {"endTime": "9999-12-31T23:59:59.999999Z"},
    "odd id": {"id": "\0", "sessionId": "\0\ud83d"},
    "long id": {"id": "é" * 100_000, "sessionId": "é" * 100_000},
}


@pytest.mark.filterwarnings("ignore")  # the library's log is not what this is about
def test_an_odd_record_is_archived_as_any_other(archive: Archive, database: str) -> None:
    """Whatever Webex sends is stored once, and reads back as the same record."""
    odd = [call(name, **wire) for name, wire in ODD.items()]
    for _ in range(2):
        archive.store(odd)
    rows = rows_of(database).values()
    assert len(rows) == len(odd)
    read = [from_wire(UserSession, json.loads(row["record"])) for row in rows]
    assert sorted(read, key=lambda s: s.session_id) == sorted(odd, key=lambda s: s.session_id)


def test_columns_hold_what_is_useful(archive: Archive, database: str) -> None:
    """The columns have the record's values; times are aware, and what does not fit is null."""
    wire = ODD["half a pair"] | {"durationSeconds": 61, "direction": "INCOMING", "isRead": True}
    archive.store([call(**wire), call("huge", **ODD["huge"])])
    engine = create_engine(database_url(database))
    with engine.connect() as connection:
        one, huge = connection.execute(select(sessions).order_by(sessions.c.session_id.desc()))
    engine.dispose()
    assert one.end_time == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert one.start_time.utcoffset() == timedelta(0)
    assert (one.other_name, one.disposition) == ("half \\ud83d", "\\udfff")
    assert (one.duration_seconds, one.direction, one.is_read) == (61, "INCOMING", True)
    assert (huge.duration_seconds, huge.deleted_at, huge.is_read) == (None, None, False)


def test_a_record_nested_too_deep_is_kept_without_its_json(archive: Archive, database: str) -> None:
    """A call that to_wire cannot write is stored without its JSON, and the others with it."""
    archive.store([attrs.evolve(call("deep"), extra={"surprise": DEEP}), call("other")])
    rows = rows_of(database)
    assert rows["deep"]["record"] is None
    assert rows["other"]["record"] is not None


def test_an_id_may_come_again_with_another_end(archive: Archive) -> None:
    """Two sessions of one id that ended at different times are two; the same pair is one."""
    pair = [call(), call(endTime="2026-03-01T11:30:00.000Z")]
    archive.store(pair)
    archive.store([*pair, pair[0]])
    assert len(archive) == 2


def test_what_is_known_of_a_call_is_not_undone(archive: Archive, database: str) -> None:
    """A page that was fetched before a read mark or a deletion undoes neither."""
    page = [call("one"), call("two"), call("three")]
    archive.store(page)
    archive.take(viewed("one", "unknown"))
    archive.take(deleted("two"))
    archive.take(viewed())
    archive.take(deleted())
    archive.store(page)
    rows = rows_of(database)
    assert [bool(rows[name]["is_read"]) for name in ("one", "two", "three")] == [True, False, False]
    assert [row["session_id"] for row in rows.values() if row["deleted_at"]] == ["two"]

    archive.store([call("three", isRead=True, isDeleted=True, durationSeconds=7)])
    row = rows_of(database)["three"]
    assert (bool(row["is_read"]), row["duration_seconds"]) == (True, 7)
    assert row["deleted_at"] is not None


def test_marks_reach_an_id_that_is_stored_in_another_form(archive: Archive, database: str) -> None:
    """An event finds the session of an id that no database can store as it is."""
    odd = ("\0\ud83d", "é" * 100_000)
    archive.store([call(session_id) for session_id in odd])
    archive.take(viewed(*odd))
    rows = rows_of(database)
    assert rows.keys() == {as_key(session_id) for session_id in odd}
    assert all(row["is_read"] for row in rows.values())


def test_several_programs_may_share_a_database(database: str) -> None:
    """Programs that start at the same moment create the tables once and wait for each other."""
    page = [call(str(number)) for number in range(20)]
    barrier = threading.Barrier(4)

    def work() -> None:
        archive = Archive(database_url(database))
        barrier.wait(30)
        archive.create_tables()
        for session in page:
            archive.store([session])
        archive.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result(50)
    assert len(rows_of(database)) == 20


@pytest.mark.parametrize(
    ("since", "until", "refresh", "days"),
    [
        (30, 0, False, 1),
        (30, 0.1, False, 2),
        (30, 9.5, False, 11),
        (200, 100, False, 101),
        (30, -400, False, 1),
        (29, 0, False, 30),
        (29, 50, False, 51),
        (200, 0, True, 30),
        (200, 100, True, 101),
    ],
)
def test_there_is_no_gap(since: float, until: float, refresh: bool, days: int) -> None:
    """A run begins a day before the end of the last complete one, and adds days never asked for."""
    complete = Span(NOW - timedelta(days=since), NOW - timedelta(days=until))
    assert days_to_ask(complete, 30, NOW, refresh=refresh) == days


def test_a_call_of_the_future_does_not_end_the_archive(tmp_path: Any) -> None:
    """A call whose end is a hundred years ahead does not hide later calls from the next run."""
    database = f"sqlite:///{tmp_path / 'calls.db'}"
    with Sandbox(sessions=5) as cloud:
        cloud.place_call(ended_at=datetime.now(UTC) + timedelta(days=36_500))
        archive_calls(cloud, f"--database={database}")
        opened = Archive(database_url(database))
        complete = opened.complete
        opened.close()
        assert complete is not None
        assert complete.until < datetime.now(UTC)
        cloud.place_call()
        assert archive_calls(cloud, f"--database={database}").startswith("7 sessions")
        assert len(history_of(cloud)) == 7
