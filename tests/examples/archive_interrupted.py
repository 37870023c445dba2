"""Kill the archive's program in the middle, repeatedly, and count what its database has.

    python -m tests.examples.archive_interrupted --sessions 5000 --database postgresql

A database is a new file (sqlite), one of a server that is started for it (postgresql), or an empty
one that an address names.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from callhistory import CallHistoryClient, to_wire
from callhistory.sandbox import Sandbox
from tests.examples.archive_paused import PAUSED
from tests.support.postgresql_server import create_database, running_postgresql
from tests.support.programs import account_of, start

DEADLINE = 50.0


@attrs.frozen
class Outcome:
    """What a database has in the end.

    Attributes:
        killed_at: the number of rows at each kill.
        said: the output of the last run, which was not interrupted.
        rows: the number of rows.
        duplicates: the number of rows whose session has another row.
        losses: the number of Webex's sessions without a row.
        changed: the number of rows whose record differs from Webex's.
    """

    killed_at: tuple[int, ...]
    said: str
    rows: int
    duplicates: int
    losses: int
    changed: int


def interrupt(cloud: Sandbox, database: str, *, kills: int = 3, batch: int = 10) -> Outcome:
    """Archive a sandbox's calls, with a SIGKILL in the middle of a transaction, and of a later one.

    Args:
        cloud: whose calls.
        database: an empty one.
        kills: the number of kills before the last run.
        batch: the number of calls in a transaction.
    """
    expected = _history(cloud)
    engine = open_database(database)
    option = f"--database={database}"
    killed_at: list[int] = []
    for kill in range(1, kills + 1):
        # The first transaction makes the tables; each other one takes a batch.
        number = str(1 + len(expected) // batch * kill // (kills + 1))
        paused = ("tests/examples/archive_paused.py", number, option, f"--batch={batch}")
        with start(*paused, **account_of(cloud)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{PAUSED}\n"
            process.kill()
        killed_at.append(_count(engine))
    with start("examples/archive.py", option, **account_of(cloud)) as process:
        said, _ = process.communicate(timeout=DEADLINE)
    with engine.connect() as connection:
        found = [
            json.loads(record) for record in connection.scalars(text("SELECT record FROM sessions"))
        ]
    times = Counter(map(_pair, found))
    held = {_pair(record): record for record in found}
    return Outcome(
        killed_at=tuple(killed_at),
        said=said.strip(),
        rows=len(found),
        duplicates=sum(times.values()) - len(times),
        losses=len(expected.keys() - held.keys()),
        changed=sum(expected.get(pair) != record for pair, record in held.items()),
    )


def open_database(database: str) -> Engine:
    """Open a database without the program's code; no connection is kept open."""
    url = database.replace("postgresql:", "postgresql+psycopg:", 1)
    return create_engine(url, poolclass=NullPool)


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM sessions")))


def _history(cloud: Sandbox) -> dict[tuple[str, str], dict[str, Any]]:
    with CallHistoryClient(cloud.webex()) as client:
        wire = map(to_wire, client.get_call_history_data(days=30, limit=1_000_000))
        return {_pair(session): session for session in wire}


def _pair(session: dict[str, Any]) -> tuple[str, str]:
    return session["sessionId"], session["endTime"]


@contextlib.contextmanager
def _new_database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder, 'calls.db')}"
    elif kind == "postgresql":
        with running_postgresql() as folder:
            yield create_database(folder)
    else:
        yield kind


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--database", default="sqlite", metavar="sqlite|postgresql|URL")
    options = parser.parse_args()
    with Sandbox(sessions=options.sessions) as cloud, _new_database(options.database) as database:
        engine = open_database(database)
        version = "sqlite_version()" if engine.dialect.name == "sqlite" else "version()"
        with engine.connect() as connection:
            say(f"{engine.dialect.name}: {connection.scalar(text(f'SELECT {version}'))}")
        outcome = interrupt(cloud, database, kills=options.kills, batch=options.batch)
    say(f"sessions: {options.sessions}")
    for name, value in attrs.asdict(outcome).items():
        say(f"{name}: {value}")
    return 1 if outcome.losses or outcome.duplicates or outcome.changed else 0


if __name__ == "__main__":
    sys.exit(main())
