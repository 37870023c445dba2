"""Fetch the call history, mark the missed calls read, delete a record, and see what changed.

It needs no account: it brings a Webex of its own, on this machine. With WEBEX_ACCESS_TOKEN set it
asks the real one, and then only reads.

    python examples/quickstart.py
"""

from account import connect, is_real, name_of, new_parser, printable, run

from callhistory import CallHistoryClient, Disposition, JanusResponseEvent, SortBy


def show(history: JanusResponseEvent) -> None:
    history.raise_for_status()  # Webex may have said no
    print(f"{'When (UTC)':17} {'':8} {'Who':26} {'How it ended':12} {'Seconds':>7}")
    for session in history:
        when = f"{session.start_time:%Y-%m-%d %H:%M}"
        unread = session.disposition == Disposition.MISSED and not session.is_read
        direction, result = printable(session.direction), printable(session.disposition)
        print(
            f"{when:17} {direction:8.8} {name_of(session):26.26} {result:12.12} "
            f"{session.duration_seconds or 0:7} {'unread' if unread else ''}".rstrip()
        )


def read_only(client: CallHistoryClient) -> None:
    history = client.get_call_history_data(days=7, limit=50, sort_by=SortBy.START_TIME)
    show(history)
    print(f"\n{history}")


def read_mark_and_delete(client: CallHistoryClient) -> None:
    before = client.get_call_history_data(days=7, limit=50, sort_by=SortBy.START_TIME)
    show(before)

    missed = [s for s in before if s.disposition == Disposition.MISSED and not s.is_read]
    client.update_missed_calls(missed).raise_for_status()
    print(f"\nMarked read: {len(missed)} missed calls.")

    oldest = before[-1]
    client.delete_call_history_records([oldest]).raise_for_status()
    print(f"Deleted: the call of {oldest.start_time:%Y-%m-%d %H:%M} with {name_of(oldest)}.")

    after = client.get_call_history_data(days=7, limit=50, sort_by=SortBy.START_TIME)
    unread = [s for s in after if s.disposition == Disposition.MISSED and not s.is_read]
    still_there = oldest.session_id in {session.session_id for session in after}
    print("\nFetched again:")
    print(f"  unread missed calls: {len(missed)} before, {len(unread)} now")
    print(f"  the deleted record:  there before, {'still there' if still_there else 'gone'} now")


def main() -> None:
    new_parser(__doc__).parse_args()
    with connect() as client:
        if is_real():
            read_only(client)
        else:
            read_mark_and_delete(client)


if __name__ == "__main__":
    run(main)
