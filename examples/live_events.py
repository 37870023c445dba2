"""Listen to new calls, read marks and deletions, by handlers and by receivers.

It needs no account: it brings a Webex of its own, on this machine, where a call comes in every two
seconds. With WEBEX_ACCESS_TOKEN set it listens to the real one. Ctrl-C ends it.

    python examples/live_events.py --seconds 30
"""

import contextlib
from typing import Any

from account import is_real, name_of, new_parser, printable, run, some_seconds

from callhistory import (
    CallHistoryClient,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    signals,
)


# One way: blinker receivers, from anywhere in a program, for all its clients.
@signals.user_recent_sessions.connect
def show_calls(client: CallHistoryClient, event: CallSessionEvent) -> None:
    for session in event.data.user_sessions.user_sessions:
        recovered = " (recovered)" if event.recovered else ""
        print(f"call:    {printable(session.disposition)}, {name_of(session)}{recovered}")


@signals.offline.connect
def show_offline(client: CallHistoryClient, event: signals.Offline) -> None:
    if event.reconnecting:  # otherwise wait() raises the reason
        print(f"offline: {event.reason}, reconnecting")


def listen(client: CallHistoryClient, seconds: float | None) -> None:
    # The other way: functions of one client, by the documented names.
    @client.on("callHistory:user_viewed_sessions")
    def show_read(event: CallSessionViewedEvent) -> None:
        print(f"read:    {len(event.data.user_read_sessions.user_read_sessions)} on another device")

    def show_deleted(event: CallSessionDeletedEvent) -> None:
        print(f"deleted: {len(event.data.deleted_sessions)} on another device")

    client.on("callHistory:user_sessions_deleted", show_deleted)

    with contextlib.suppress(KeyboardInterrupt):
        client.listen()  # returns once Webex has accepted the connection
        print("Listening. Ctrl-C ends it.")
        client.wait(seconds)  # until close(), Ctrl-C or a permanent refusal


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--seconds", type=some_seconds, help="how long (default: until Ctrl-C)")
    seconds = parser.parse_args().seconds

    if is_real():
        with CallHistoryClient(logger="error") as client:
            listen(client, seconds)
        return

    from callhistory.sandbox import Sandbox

    with (
        Sandbox(chatter=2) as cloud,
        CallHistoryClient(cloud.webex()) as phone,  # the same user, elsewhere
        CallHistoryClient(cloud.webex()) as client,  # closed first: its receivers use the phone
    ):
        # What the user does on the phone, as soon as a call comes in.
        def tidy_up(event: Any) -> None:
            sessions = event.data.user_sessions.user_sessions
            phone.update_missed_calls(sessions)
            phone.delete_call_history_records(sessions)

        client.on("callHistory:user_recent_sessions", tidy_up)
        listen(client, seconds)


if __name__ == "__main__":
    run(main)
