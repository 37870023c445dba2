"""Forward live events to a Redis stream, where any number of consumers share the work.

    python examples/forward_to_redis.py             # a process for each Webex user: the listener
    python examples/forward_to_redis.py consume     # as many processes as the work takes

An entry of the stream has the event's kind, the event as JSON (from_wire reads it), whether it was
recovered, and a key: the id of Webex's envelope or, where there is none, the session's. Redis
remembers the keys for two days, so an event that is sent again does not become a second entry.

Received events reach the stream even if Redis is away for a while: the listener then holds them
and keeps trying. What a listener held when it was killed, and what happened while none ran, the
next one finds in the history of the last day and adds as recovered. (Read marks and deletions
cannot be found there.) A consumer acknowledges an entry after it has
processed it; the entries of one that died are taken over after a while. So each event is processed
at least once, and seldom twice: what must not happen twice has to look at the key.

It needs no account: it brings a Webex of its own, on this machine, where a call comes in every two
seconds. With WEBEX_ACCESS_TOKEN set it listens to the real one. Ctrl-C ends it.
"""

import contextlib
import functools
import hashlib
import json
import os
import socket
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Any

import redis
from account import (
    connect,
    name_of,
    new_parser,
    printable,
    run,
    some_seconds,
    whole_history,
    whole_number,
)
from redis.backoff import NoBackoff
from redis.retry import Retry

from callhistory import (
    CallHistoryClient,
    CallSessionData,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserSession,
    UserSessions,
    from_wire,
    signals,
    to_wire,
)

Event = CallSessionEvent | CallSessionViewedEvent | CallSessionDeletedEvent
Entry = tuple[str, dict[str, str]]

RECENT = "callHistory:user_recent_sessions"
KINDS: dict[str, type[Event]] = {
    RECENT: CallSessionEvent,
    "callHistory:user_viewed_sessions": CallSessionViewedEvent,
    "callHistory:user_sessions_deleted": CallSessionDeletedEvent,
}
REMEMBERED = 2 * 24 * 3600  # seconds
PAUSE = 0.5  # seconds, while Redis is away
TRIES = 5
PASSING = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.ReadOnlyError,  # another Redis is about to take over
    redis.exceptions.OutOfMemoryError,
)
FORGOTTEN = ("NOGROUP", "UNBLOCKED")  # the group, or the stream while it was read
# The first key is the stream, the second the entry's, the others those of the sessions that it
# tells of. They are remembered once the entry is there: what could not be added is not lost.
ADD = """
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3))
for i = 2, #KEYS do redis.call('SET', KEYS[i], id, 'EX', ARGV[1]) end
return id
"""


# Any: the types of redis do not tell its two kinds of client apart.
def open_redis(address: str) -> Any:
    """Connect to Redis, without waits that Ctrl-C could not interrupt."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(
        address, decode_responses=True, socket_timeout=3, socket_connect_timeout=3, retry=retry
    )


def key_of(session: UserSession) -> str:
    return f"{session.session_id}/{session.end_time.isoformat()}"


class Forwarder:
    """Adds events to the stream, and waits while Redis is away.

    Attributes:
        ended: set when it is to stop waiting.
        left: the number of events that were not added because of that.
    """

    def __init__(self, database: Any, stream: str, keep: int) -> None:
        self.ended = threading.Event()
        self.left = 0
        self._add = database.register_script(ADD)
        self._stream = stream
        self._keep = keep

    def put(self, kind: str, event: Event) -> None:
        """Add an event; one that was recovered, session by session."""
        sessions: Iterable[UserSession] = ()
        if isinstance(event, CallSessionEvent):
            sessions = event.data.user_sessions.user_sessions
            if event.recovered:
                self.put_recovered(sessions)
                return
        text = json.dumps(to_wire(event))
        key = event.id or hashlib.sha256(text.encode()).hexdigest()
        self._put([key, *map(key_of, sessions)], kind, text, recovered=False)

    def put_recovered(self, sessions: Iterable[UserSession]) -> None:
        """Add the sessions that are not in the stream yet."""
        for session in sessions:
            data = CallSessionData(user_sessions=UserSessions(user_sessions=(session,)))
            text = json.dumps(to_wire(CallSessionEvent(data=data, recovered=True)))
            self._put([key_of(session)], RECENT, text, recovered=True)

    def _put(self, keys: list[str], kind: str, text: str, *, recovered: bool) -> None:
        entry = {"kind": kind, "key": keys[0], "event": text, "recovered": str(int(recovered))}
        values = [part for field in entry.items() for part in field]
        # The braces let a cluster keep them where the stream is.
        seen = [f"{{{self._stream}}}:seen:{key}" for key in keys]
        while not self._try([self._stream, *seen], [REMEMBERED, self._keep, *values]):
            if self.ended.wait(PAUSE):
                self.left += 1
                return

    def _try(self, keys: list[str], values: list[object]) -> bool:
        try:
            self._add(keys=keys, args=values)
        except PASSING as error:
            if not self.ended.is_set():
                print(f"Redis is away ({type(error).__name__}): holding events", file=sys.stderr)
            return False
        return True


def forward(options: Namespace) -> None:
    database = open_redis(options.redis)
    database.ping()
    forwarder = Forwarder(database, options.stream, options.keep)
    failures: list[BaseException] = []

    def listen(client: CallHistoryClient) -> None:
        for kind in KINDS:
            client.on(kind, functools.partial(forwarder.put, kind))

        # What is no passing trouble, such as a stream that is none, ends the program.
        @signals.receiver_failed.connect_via(client)
        def on_failure(client: CallHistoryClient, event: signals.ReceiverFailed) -> None:
            failures.append(event.exception)
            client.close()

        client.listen()
        try:
            for page in whole_history(client, days=1):
                forwarder.put_recovered(page)
        except RuntimeError:  # it has been closed
            if not failures:
                raise
        print(f"Forwarding to the stream {options.stream}. Ctrl-C ends it.", flush=True)
        client.wait(options.seconds)

    with contextlib.suppress(KeyboardInterrupt), connect(chatter=2) as client:
        try:
            listen(client)
        finally:
            forwarder.ended.set()
    if failures:
        raise failures[0]
    if forwarder.left:
        sys.exit(f"{forwarder.left} events were not added: the next start looks for their calls.")


def process(key: str, event: Event) -> None:
    """Process an event; replace this with your own code."""
    if isinstance(event, CallSessionEvent):
        for session in event.data.user_sessions.user_sessions:
            print(f"{key}  call: {printable(session.disposition)}, {name_of(session)}", flush=True)
    elif isinstance(event, CallSessionViewedEvent):
        print(f"{key}  read: {len(event.data.user_read_sessions.user_read_sessions)}", flush=True)
    else:
        print(f"{key}  deleted: {len(event.data.deleted_sessions)}", flush=True)


class Consumer:
    """One of those that share a stream: a consumer of a group."""

    def __init__(self, database: Any, options: Namespace) -> None:
        self._database = database
        self._stream: str = options.stream
        self._group: str = options.group
        self._name: str = options.consumer
        self._idle = int(1000 * options.idle)  # milliseconds

    def join(self) -> None:
        """Join the group; the first consumer creates it, to begin with the oldest entry."""
        try:
            self._database.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def work(self) -> None:
        """Process what this consumer had not finished, then new entries and those others left."""
        last = "0"
        while unfinished := self._read(last):
            self._process(unfinished)
            last = unfinished[-1][0]
        look_at = 0.0
        while True:
            if time.monotonic() >= look_at:
                self._process(self._left_by_others())
                look_at = time.monotonic() + self._idle / 2000
            self._process(self._read(">", block=min(1000, self._idle // 2 + 1)))

    def _read(self, since: str, block: int | None = None) -> list[Entry]:
        streams = {self._stream: since}
        reply = self._database.xreadgroup(self._group, self._name, streams, count=10, block=block)
        return [entry for _, entries in reply or () for entry in entries]

    def _left_by_others(self) -> Iterator[Entry]:
        """Yield entries that others left unfinished; move aside those that fail every time."""
        where = (self._stream, self._group)
        cursor = "0-0"
        while True:
            cursor, entries, *_ = self._database.xautoclaim(
                *where, self._name, self._idle, start_id=cursor, count=10
            )
            for number, fields in entries:
                pending = self._database.xpending_range(*where, number, number, 1)
                if sum(each["times_delivered"] for each in pending) <= TRIES:
                    yield number, fields
                    continue
                with self._database.pipeline() as both:
                    both.xadd(f"{self._stream}:failed", {**fields, "id": number})
                    both.xack(*where, number)
                    both.execute()
                print(f"{number}: put into {self._stream}:failed", file=sys.stderr)
            if cursor == "0-0":
                return

    def _process(self, entries: Iterable[Entry]) -> None:
        for number, fields in entries:
            try:
                event = from_wire(KINDS[fields["kind"]], json.loads(fields["event"]))
                process(fields["key"], event)
            except BrokenPipeError:
                raise
            except Exception as error:  # noqa: BLE001 - another try, later, for whatever it is
                print(f"{number}: not processed: {type(error).__name__}", file=sys.stderr)
            else:
                self._database.xack(self._stream, self._group, number)


def consume(options: Namespace) -> None:
    database = open_redis(options.redis)
    database.ping()
    consumer = Consumer(database, options)
    with contextlib.suppress(KeyboardInterrupt):
        consumer.join()
        print(f"Consuming the stream {options.stream}. Ctrl-C ends it.", flush=True)
        while True:
            try:
                consumer.join()  # a Redis that came back may have forgotten the group
                consumer.work()
            except (*PASSING, redis.ResponseError) as error:
                if not isinstance(error, PASSING) and not str(error).startswith(FORGOTTEN):
                    raise
                print(f"Redis is away ({type(error).__name__}): waiting", file=sys.stderr)
                time.sleep(PAUSE)


def main() -> None:
    here = f"{socket.gethostname()}-{os.getpid()}"
    parser = new_parser(__doc__)
    add = parser.add_argument
    add("command", nargs="?", choices=["forward", "consume"], default="forward")
    add("--redis", default="redis://localhost:6379/0", metavar="URL", help="default: %(default)s")
    add("--stream", default="webex-calls", help="default: %(default)s")
    add("--keep", type=whole_number, default=100_000, help="entries, about (default: %(default)s)")
    add("--seconds", type=some_seconds, help="forward for so long (default: until Ctrl-C)")
    add("--group", default="desk", help="of consumers (default: %(default)s)")
    add("--consumer", default=here, help="its name in the group (default: host and process)")
    add("--idle", type=some_seconds, default=60.0, help="seconds after which others take over")
    options = parser.parse_args()
    (forward if options.command == "forward" else consume)(options)


if __name__ == "__main__":
    run(main, redis.RedisError)
