"""Post each missed call to a webhook, the moment it is missed.

    python examples/missed_call_alert.py --to https://desk.example.com/hook

Without --to it starts a receiver of its own that prints what comes in. It needs no account:
it brings a Webex of its own, on this machine, where a call comes in every two seconds. With
WEBEX_ACCESS_TOKEN set it listens to the real one. Ctrl-C ends it.
"""

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import requests
from account import connect, name_of, new_parser, run, some_seconds

from callhistory import CallHistoryClient, CallSessionEvent, Disposition, UserSession, signals


def alert(address: str, session: UserSession) -> None:
    text = f"Missed call from {name_of(session)} at {session.start_time:%H:%M} UTC"
    requests.post(address, json={"text": text}, timeout=10).raise_for_status()


def post_missed_calls(client: CallHistoryClient, address: str, seconds: float | None) -> None:
    @client.on("callHistory:user_recent_sessions")
    def on_calls(event: CallSessionEvent) -> None:
        for session in event.data.user_sessions.user_sessions:
            if session.disposition == Disposition.MISSED and not session.is_read:
                alert(address, session)

    # A webhook that is down stops nothing: the exception arrives here.
    @signals.receiver_failed.connect_via(client)
    def on_failure(client: CallHistoryClient, event: signals.ReceiverFailed) -> None:
        print(f"not posted: {type(event.exception).__name__}", file=sys.stderr)

    with contextlib.suppress(KeyboardInterrupt):
        client.listen()
        print(f"Posting missed calls to {address}. Ctrl-C ends it.", flush=True)
        client.wait(seconds)


class Webhook(BaseHTTPRequestHandler):
    """Prints what is posted to it."""

    def do_POST(self) -> None:
        """Print the text of a post."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("received:", body["text"], flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Log no requests."""


@contextlib.contextmanager
def local_webhook() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def web_address(text: str) -> str:
    """Return the value of an argument that is a webhook's address."""
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname:
        raise argparse.ArgumentTypeError("expected an address such as https://desk.example.com/")
    return text


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument(
        "--to", type=web_address, metavar="ADDRESS", help="where to post (default: to itself)"
    )
    parser.add_argument("--seconds", type=some_seconds, help="how long (default: until Ctrl-C)")
    options = parser.parse_args()

    with contextlib.ExitStack() as stack:
        address = options.to or stack.enter_context(local_webhook())
        client = stack.enter_context(connect(chatter=2))
        post_missed_calls(client, address, options.seconds)


if __name__ == "__main__":
    run(main)
