"""Delete the records of calls that are older than some days; without --yes, only count them.

    python examples/delete_old_records.py --older-than 30
    python examples/delete_old_records.py --older-than 30 --yes

Records are deleted in batches. When it is interrupted, or Webex says no, what is deleted stays
deleted, and the same command goes on with the rest. It needs no account: it brings a Webex of its
own, on this machine. With WEBEX_ACCESS_TOKEN set it asks the real one.
"""

import functools
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from account import connect, new_parser, run, whole_history, whole_number

from callhistory import CallHistoryClient, UserSession


def old_records(client: CallHistoryClient, older_than: int, within: int) -> list[UserSession]:
    """Return the records that ended more than ``older_than`` days ago, the oldest first."""
    sessions = list(itertools.chain.from_iterable(whole_history(client, within)))
    newest = datetime.now(UTC) - timedelta(days=older_than)
    return [s for s in sessions if s.end_time < newest and not s.is_deleted]


def delete(client: CallHistoryClient, old: Sequence[UserSession], batch: int) -> None:
    deleted = 0
    try:
        for first in range(0, len(old), batch):
            some = old[first : first + batch]
            client.delete_call_history_records(some).raise_for_status()
            deleted += len(some)
            print(f"deleted {deleted:,} of {len(old):,}", flush=True)
    finally:
        if deleted < len(old):
            print(f"{len(old) - deleted:,} are left: run it again to go on.", flush=True)


def main() -> None:
    parser = new_parser(__doc__)
    add_number = functools.partial(parser.add_argument, type=whole_number, metavar="N")
    add_number("--older-than", default=30, help="in days (default: 30)")
    add_number("--within", default=365, help="look back N days (default: 365)")
    add_number("--batch", default=100, help="how many at once (default: 100)")
    parser.add_argument("--yes", action="store_true", help="delete them; without, they are counted")
    options = parser.parse_args()
    if options.within <= options.older_than:
        parser.error("--within must be more days than --older-than")

    with connect(sessions=500, days=90) as client:
        old = old_records(client, options.older_than, options.within)
        if not old:
            print(f"No record is older than {options.older_than} days.")
            return
        first, last = (f"{session.end_time:%Y-%m-%d}" for session in (old[0], old[-1]))
        print(f"{len(old):,} records, from {first} to {last}.", flush=True)
        if options.yes:
            delete(client, old, options.batch)
        else:
            print("Nothing was deleted: --yes deletes them.")


if __name__ == "__main__":
    run(main)
