"""The example that forwards to Redis, with a real one: what the stream gets and who reads it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from forward_to_redis import KINDS, Event, Forwarder

from callhistory import CallHistoryClient, CallSessionEvent, from_wire
from callhistory.sandbox import Sandbox
from tests.examples.redis_consumers import PROGRAM, kill_one_of_two
from tests.support.programs import account_of, end, run, running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

STREAM = "webex-calls"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running_server:
        yield running_server


@pytest.fixture
def database(server: RedisServer) -> Iterator[Any]:
    with server.database() as client:
        yield client


@pytest.fixture
def account(cloud: Sandbox) -> dict[str, str]:
    """Return the environment of a program that uses the sandbox."""
    return account_of(cloud)


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Return a sandbox without calls."""
    with Sandbox(sessions=0) as running_cloud:
        yield running_cloud


@pytest.fixture
def forwarding(
    account: dict[str, str], server: RedisServer, tmp_path: Path
) -> Callable[[], AbstractContextManager[tuple[subprocess.Popen[bytes], Path]]]:
    """Return a function that runs a listener during a block, and returns it with its output."""

    @contextmanager
    def run_listener() -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        output = tmp_path / f"{uuid4()}"
        with running(output, PROGRAM, f"--redis={server.url}", **account) as program:
            assert says(output, "Ctrl-C ends it")
            yield program, output

    return run_listener


def says(output: Path, words: str) -> bool:
    return wait_until(lambda: words in output.read_text("utf-8"), 40)


def read(fields: dict[str, str]) -> Event:
    return from_wire(KINDS[fields["kind"]], json.loads(fields["event"]))


def recent(fields: dict[str, str]) -> str:
    """Return the id of the session in an entry."""
    event = read(fields)
    assert isinstance(event, CallSessionEvent)
    (session,) = event.data.user_sessions.user_sessions
    return session.session_id


def entries(database: Any, count: int) -> list[dict[str, str]]:
    """Wait until the stream has ``count`` entries, and return them all."""
    assert wait_until(lambda: database.xlen(STREAM) >= count, 40)
    return [fields for _, fields in database.xrange(STREAM)]


def test_each_event_becomes_an_entry(cloud: Sandbox, database: Any, forwarding: Any) -> None:
    """A call, a read mark and a deletion are entries in their order, with the envelopes' ids."""
    with forwarding() as (program, output):
        placed = cloud.place_call(name="half \\ud83d", surprise={"a": "\\u2028"})
        with CallHistoryClient(cloud.webex()) as phone:
            phone.update_missed_calls([placed]).raise_for_status()
            phone.delete_call_history_records([placed]).raise_for_status()
        found = entries(database, 3)
        assert end(program) == 0

    assert [fields["kind"] for fields in found] == list(KINDS)
    assert [fields["recovered"] for fields in found] == ["0", "0", "0"]
    events = [read(fields) for fields in found]
    assert [fields["key"] for fields in found] == [event.id for event in events]
    assert isinstance(events[0], CallSessionEvent)
    assert events[0].data.user_sessions.user_sessions == (placed,)
    assert "Traceback" not in output.read_text("utf-8")
    assert cloud.devices == ()


def test_the_next_listener_adds_what_the_last_one_missed(
    cloud: Sandbox, database: Any, forwarding: Any
) -> None:
    """A call that came while there was no listener is added as recovered; no call comes twice."""
    calls = []
    for _ in range(2):
        calls.append(cloud.place_call())  # before it listens
        with forwarding() as (program, _output):
            entries(database, len(calls))
            calls.append(cloud.place_call())
            entries(database, len(calls))
            program.kill()
            program.wait(20)

    found = entries(database, 4)
    assert [recent(fields) for fields in found] == [call.session_id for call in calls]
    assert [fields["recovered"] for fields in found] == ["1", "0", "1", "0"]


def test_events_are_held_while_redis_is_away(
    cloud: Sandbox, server: RedisServer, database: Any, forwarding: Any
) -> None:
    """Events that arrive while Redis is away are added in order when it is back."""
    with forwarding() as (program, output):
        calls = [cloud.place_call()]
        entries(database, 1)
        server.stop()
        calls += [cloud.place_call() for _ in range(5)]
        assert says(output, "Redis is away")
        server.start()
        with server.database() as again:
            found = entries(again, 6)
        assert end(program) == 0

    assert [recent(fields) for fields in found] == [call.session_id for call in calls]


def test_ctrl_c_ends_a_listener_that_holds_events(
    cloud: Sandbox, server: RedisServer, forwarding: Any
) -> None:
    """While Redis is away Ctrl-C ends the listener, which prints how many events it held."""
    with forwarding() as (program, output):
        server.stop()
        cloud.place_call()
        assert says(output, "Redis is away")
        assert end(program) == 1

    assert output.read_text("utf-8").endswith(
        "\n1 events were not added: the next start looks for their calls.\n"
    )


def test_an_event_is_added_once(cloud: Sandbox, database: Any) -> None:
    """An envelope or a recovered session that is in the stream is not added again."""
    forwarder = Forwarder(database, STREAM, keep=100)
    placed = cloud.place_call()
    wire: dict[str, Any] = {"userSessions": {"userSessions": []}}
    event = from_wire(CallSessionEvent, {"id": "an envelope", "data": wire})
    nameless = from_wire(CallSessionEvent, {"data": wire})
    kind = next(iter(KINDS))
    for _ in range(2):
        forwarder.put(kind, event)
        forwarder.put(kind, nameless)
        forwarder.put_recovered([placed])

    found = entries(database, 3)
    assert len(found) == len({fields["key"] for fields in found}) == 3


def test_nothing_is_lost_when_a_consumer_is_killed(server: RedisServer, tmp_path: Path) -> None:
    """When one of two consumers is killed, the other one processes what it had begun."""
    report = kill_one_of_two(server, tmp_path, 100)

    assert report.entries >= 100
    assert report.unfinished > 0
    assert len(report.keys) == report.entries, report
    assert report.pending == 0, report


def test_an_entry_that_nobody_can_process_is_put_aside(
    server: RedisServer, database: Any, tmp_path: Path
) -> None:
    """After some tries an entry is moved to another stream, and delays no other entry."""
    bad = database.xadd(STREAM, {"kind": "unknown", "key": "k", "event": "{", "recovered": "0"})
    fields = {"kind": next(iter(KINDS)), "key": "good", "recovered": "0"}
    good: dict[str, Any] = {"data": {"userSessions": {"userSessions": []}}}
    database.xadd(STREAM, {**fields, "event": json.dumps(good)})
    output = tmp_path / "output"
    command = (PROGRAM, "consume", f"--redis={server.url}", "--idle=0.05")
    with running(output, *command) as consumer:
        assert wait_until(lambda: database.xlen(f"{STREAM}:failed") == 1, 40)
        assert wait_until(lambda: not database.xpending(STREAM, "desk")["pending"], 40)
        assert end(consumer) == 0

    ((_, failed),) = database.xrange(f"{STREAM}:failed")
    assert (failed["id"], failed["key"]) == (bad, "k")
    assert "Traceback" not in output.read_text("utf-8")


def test_a_consumer_outlives_an_absence_of_redis(
    server: RedisServer, database: Any, tmp_path: Path
) -> None:
    """When Redis is back a consumer goes on, even if Redis has forgotten its group."""
    good = json.dumps({"data": {"deletedSessions": ["a"]}})
    entry = {"kind": list(KINDS)[2], "key": "later", "event": good, "recovered": "0"}
    output = tmp_path / "output"
    with running(output, PROGRAM, "consume", f"--redis={server.url}") as consumer:
        assert says(output, "Ctrl-C ends it")
        database.flushall()
        server.stop()
        assert says(output, "Redis is away")
        server.start()
        with server.database() as again:
            again.xadd(STREAM, entry)
        assert says(output, "later  deleted: 1\n")
        assert end(consumer) == 0


@pytest.mark.parametrize("command", ["forward", "consume"])
@pytest.mark.parametrize("address", ["redis://:secret@127.0.0.1:9/0", "nowhere"])
def test_without_redis_a_line_says_so(command: str, address: str) -> None:
    """Without a Redis the program ends with one line that has no password."""
    done = run(PROGRAM, command, f"--redis={address}")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("forward_to_redis.py: ")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_a_refused_token_is_said_in_a_line(account: dict[str, str], server: RedisServer) -> None:
    """With a refused token the listener ends with one line."""
    done = run(PROGRAM, f"--redis={server.url}", **account | {"WEBEX_ACCESS_TOKEN": "refused"})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("forward_to_redis.py: 401: ")
    assert done.stderr.count("\n") == 1


def test_a_stream_that_is_none_ends_the_listener(
    cloud: Sandbox, database: Any, forwarding: Any
) -> None:
    """When the stream's name belongs to something else, the first event ends the listener."""
    database.set(STREAM, "something else")
    with forwarding() as (program, output):
        cloud.place_call()
        assert program.wait(30) == 1

    assert "\nforward_to_redis.py: " in output.read_text("utf-8")
    assert "WRONGTYPE" in output.read_text("utf-8")
    assert "Traceback" not in output.read_text("utf-8")
