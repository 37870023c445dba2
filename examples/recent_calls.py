"""Print the recent calls, one line each; with --missed those that were missed and not yet seen.

It needs no account: it brings a Webex of its own, on this machine. With WEBEX_ACCESS_TOKEN set it
asks the real one. Either way it only reads.

    python examples/recent_calls.py --missed --days 3
"""

from account import connect, name_of, new_parser, printable, run, whole_number

from callhistory import Direction, Disposition, SortBy, UserSession


def is_unseen(session: UserSession) -> bool:
    return session.disposition == Disposition.MISSED and not session.is_read


def line(session: UserSession) -> str:
    when = f"{session.start_time.astimezone():%a %d %b %H:%M}"
    direction = "out" if session.direction == Direction.OUTGOING else "in"
    name = name_of(session)
    number = printable(session.other.phone_number)
    result = printable(session.disposition).capitalize()
    minutes, seconds = divmod(session.duration_seconds or 0, 60)
    duration = f"{minutes}:{seconds:02}" if session.duration_seconds else ""
    columns = f"{direction:3}  {name:26.26}  {number:16.16}  {result:9.9}  {duration:>7}"
    return f"{when}  {columns}".rstrip()


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--days", type=whole_number, default=7, help="how far back (default: 7)")
    parser.add_argument("--limit", type=whole_number, default=50, help="at most (default: 50)")
    parser.add_argument("--missed", action="store_true", help="only missed and unseen ones")
    options = parser.parse_args()

    with connect() as client:
        history = client.get_call_history_data(
            days=options.days, limit=options.limit, sort_by=SortBy.START_TIME
        )
    shown = [session for session in history if is_unseen(session) or not options.missed]
    for session in shown:
        print(line(session))
    if not shown:
        print("No such calls.")


if __name__ == "__main__":
    run(main)
