"""Keep the call history in a database, for longer than Webex does.

    python examples/archive.py --database postgresql://db.example.com/calls --follow

It needs no account: it brings a Webex of its own, on this machine, and a database that ends with
it, unless --database names one. With WEBEX_ACCESS_TOKEN set it asks the real Webex. Either way
Webex is only read.

It may be interrupted at any moment and run again at any time. The first run asks for --days; later
ones for what came since the last one that was complete, and for a day before it. With --follow it
then stays, and takes what happens.

The table "sessions" has each call once. Its column "record" is all that Webex sent, as JSON that
callhistory.from_wire reads. A call that is deleted in Webex stays, and gets the time in
"deleted_at". Webex tells of a deletion only when it happens: with --follow. Read marks that were
set while nobody followed come with --refresh. A database is one user's; its password is better
kept in PGPASSWORD or in ~/.pgpass than on the command line.
"""

import argparse
import contextlib
import math
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from account import connect, is_real, new_parser, run, whole_history, whole_number
from archive_tables import as_key, as_row, as_text, metadata, progress, sessions
from sqlalchemy import (
    URL,
    Connection,
    Table,
    bindparam,
    create_engine,
    func,
    inspect,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateTable
from tqdm import tqdm

from callhistory import (
    CallHistoryClient,
    CallHistoryEvent,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserSession,
)

Event = CallSessionEvent | CallSessionViewedEvent | CallSessionDeletedEvent

ONE_DAY = timedelta(days=1)
PSYCOPG = "postgresql+psycopg"
DRIVERS = {"sqlite": "sqlite", "postgresql": PSYCOPG, "postgres": PSYCOPG, PSYCOPG: PSYCOPG}
INSERTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class ArchiveError(Exception):
    """The database cannot be used."""


class Span(NamedTuple):
    """The time for which the archive is complete."""

    since: datetime
    until: datetime


class Archive:
    """The sessions in a database.

    Args:
        url: where it is.
    """

    def __init__(self, url: URL) -> None:
        # Of several programs that write to one file, each waits for the others.
        waiting = {"timeout": 30} if url.get_backend_name() == "sqlite" else {}
        self._engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args=waiting
        )
        self._insert = INSERTS[self._engine.dialect.name]
        insert = self._insert(sessions)
        held, new = sessions.c, insert.excluded
        changes: dict[str, Any] = {c.name: new[c.name] for c in held if not c.primary_key}
        # A page that was fetched before a read mark or a deletion does not undo it.
        changes["is_read"] = or_(held.is_read, new.is_read)
        changes["deleted_at"] = func.coalesce(held.deleted_at, new.deleted_at)
        self._upsert = insert.on_conflict_do_update(
            index_elements=[held.session_id, held.end_time], set_=changes
        )

    def create_tables(self) -> None:
        """Create the tables that do not exist."""
        try:
            with self._engine.begin() as connection:
                for table in self._missing(connection):
                    connection.execute(CreateTable(table, if_not_exists=True))
        except DBAPIError:
            with self._engine.connect() as connection:
                if self._missing(connection):
                    raise
            # Another program made them at the same moment.

    def _missing(self, connection: Connection) -> list[Table]:
        there = inspect(connection).get_table_names()
        return [table for table in metadata.sorted_tables if table.name not in there]

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __len__(self) -> int:
        """Count the sessions."""
        with self._engine.connect() as connection:
            return connection.scalars(select(func.count()).select_from(sessions)).one()

    def check_user(self, page: Sequence[UserSession]) -> None:
        """Raise an ArchiveError if the calls are another user's."""
        users = {as_text(session.self_.id) for session in page} - {None}
        with self._engine.connect() as connection:
            known = set(connection.scalars(select(sessions.c.user_id).distinct())) - {None}
        if users and known and not users & known:
            raise ArchiveError("has the calls of another user; --database may name a new one")

    def store(self, page: Sequence[UserSession]) -> None:
        """Add sessions, or what is new in them, all of them or none."""
        # In one order, so that two programs never wait for each other.
        rows = sorted(map(as_row, page), key=itemgetter("session_id"))
        if rows:
            with self._engine.begin() as connection:
                connection.execute(self._upsert, rows)

    def take(self, event: Event) -> None:
        """Store an event."""
        if isinstance(event, CallSessionEvent):
            self.store(event.data.user_sessions.user_sessions)
        elif isinstance(event, CallSessionViewedEvent):
            read = event.data.user_read_sessions.user_read_sessions
            self._mark([session.session_id for session in read], is_read=True)
        else:
            self._mark(event.data.deleted_sessions, deleted_at=datetime.now(UTC))

    def _mark(self, session_ids: Sequence[str], **values: object) -> None:
        # Webex names no end time here: all sessions of an id are meant.
        marked = update(sessions).where(sessions.c.session_id == bindparam("marked"))
        if session_ids:
            with self._engine.begin() as connection:
                keys = sorted(as_key(session_id) for session_id in session_ids)
                connection.execute(marked.values(values), [{"marked": key} for key in keys])

    @property
    def complete(self) -> Span | None:
        """The time for which it is complete; ``None`` before the first complete run."""
        with self._engine.connect() as connection:
            found = connection.execute(select(progress.c.since, progress.c.until)).first()
        return None if found is None else Span(*found)

    @complete.setter
    def complete(self, span: Span) -> None:
        insert = self._insert(progress).values(id=1, **span._asdict())
        upsert = insert.on_conflict_do_update(index_elements=["id"], set_=span._asdict())
        with self._engine.begin() as connection:
            connection.execute(upsert)


def days_to_ask(complete: Span | None, days: int, now: datetime, *, refresh: bool) -> int:
    """Return the number of days to ask for, so that there is no gap after the complete ones."""
    if complete is None:
        return days
    missing = max(1, math.ceil((now - complete.until + ONE_DAY) / ONE_DAY))
    reaches_back = (now - complete.since) / ONE_DAY >= days
    return missing if reaches_back and not refresh else max(missing, days)


def catch_up(
    client: CallHistoryClient, archive: Archive, days: int, batch: int, *, refresh: bool
) -> None:
    """Fetch what the archive lacks, and record the time for which it is complete."""
    now = datetime.now(UTC)
    complete = archive.complete
    days = days_to_ask(complete, days, now, refresh=refresh)
    ends = [complete.until] if complete else []
    with tqdm(desc="archived", unit=" calls", total=0, disable=None) as bar:
        for number, page in enumerate(whole_history(client, days)):
            if number == 0:
                archive.check_user(page)
            bar.total = bar.n + len(page)
            for start in range(0, len(page), batch):
                part = page[start : start + batch]
                archive.store(part)
                bar.update(len(part))
            ends += [session.end_time for session in page]
    if ends:
        since = now - days * ONE_DAY
        # Not by a time in the future, which would let later calls be taken for archived.
        until = min(now, max(ends))
        archive.complete = Span(min(since, complete.since) if complete else since, until)


def follow(client: CallHistoryClient, archive: Archive, events: SimpleQueue[Event | None]) -> None:
    """Store queued and new events until Ctrl-C or SIGTERM."""

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)  # a second one does not wait
        events.put(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    print("Following. Ctrl-C ends it.", flush=True)
    while True:
        try:
            event = events.get(timeout=1)
        except Empty:
            client.wait(0)  # raises when Webex refuses for good
            continue
        if event is None:
            return
        archive.take(event)


def database_url(text: str) -> URL:
    """Return the value of an argument that is a database address; errors hide its password."""
    try:
        url = make_url(text)
        return url.set(drivername=DRIVERS[url.drivername])
    except (ArgumentError, ValueError, KeyError):
        raise argparse.ArgumentTypeError(
            "expected an address such as sqlite:///call-history.db or postgresql://host/database"
        ) from None


@contextlib.contextmanager
def open_archive(url: URL | None) -> Iterator[Archive]:
    """Open an archive: at an address, or a file here, or a temporary one for sample calls."""
    with contextlib.ExitStack() as stack:
        if url is None:
            folder = "" if is_real() else stack.enter_context(tempfile.TemporaryDirectory())
            url = URL.create("sqlite", database=str(Path(folder, "call-history.db")))
        try:
            archive = Archive(url)
            stack.callback(archive.close)
            archive.create_tables()
            yield archive
        except (SQLAlchemyError, ArchiveError) as error:
            # The first line only: what follows may tell of a person.
            words = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()
            place = url.set(query={}).render_as_string()
            raise ArchiveError(f"{place}: {words[0] if words else 'failed'}") from None


def summary(archive: Archive, before: int) -> str:
    count = len(archive)
    return f"{count:,} sessions in the archive, {count - before:,} new."


def main() -> None:
    parser = new_parser(__doc__)
    option = parser.add_argument
    option(
        "--database", type=database_url, metavar="URL", help="default: sqlite:///call-history.db"
    )
    option("--days", type=whole_number, default=30, help="how far back at first (default: 30)")
    option("--refresh", action="store_true", help="ask for all of --days again")
    option("--follow", action="store_true", help="stay, and take what happens, until Ctrl-C")
    option("--batch", type=whole_number, default=500, help="calls a transaction (default: 500)")
    options = parser.parse_args()

    events: SimpleQueue[Event | None] = SimpleQueue()
    samples = {"chatter": 2.0} if options.follow else {}
    with open_archive(options.database) as archive, connect(**samples) as client:
        if options.follow:  # from before the first page on, so that nothing falls in between
            for name in CallHistoryEvent:
                client.on(name, events.put)
            client.listen()
        before = len(archive)
        catch_up(client, archive, options.days, options.batch, refresh=options.refresh)
        print(summary(archive, before))
        if options.follow:
            follow(client, archive, events)
            print(summary(archive, before))


if __name__ == "__main__":
    run(main, ArchiveError)
