"""Listen for months: refreshed tokens are kept in a file, and SIGTERM ends it in good order.

    python examples/long_running_service.py [--tokens FILE]

It needs no account: it brings a Webex of its own, on this machine, where a call comes in every two
seconds. With WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN set it listens to the
real one. Each new token is in the file before it is used, so that the next start goes on from
there; the variable WEBEX_REFRESH_TOKEN is needed for the first start only.
"""

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from account import new_parser, run

from callhistory import CallHistoryClient, CallSessionEvent, TokenGrant, Webex, signals

log = logging.getLogger("service")


def read_refresh_token(file: Path) -> str | None:
    if not file.exists():
        return None
    try:
        token: str = json.loads(file.read_text("utf-8"))["refresh_token"]
    except (ValueError, LookupError, TypeError):
        raise ValueError(f"{file} holds no stored token; delete it to begin anew") from None
    return token


def store(file: Path, grant: TokenGrant) -> None:
    # Readable by nobody else from its first moment, and whole or not there at all.
    file = file.resolve()  # what a link leads to, and not the link
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".token-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            json.dump({"refresh_token": grant.refresh_token}, new)
            new.flush()
            os.fsync(new.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise
    log.info("a new token, stored in %s", file)


@contextlib.contextmanager
def connect(file: Path) -> Iterator[Webex]:
    """Return the real Webex if there is a token for it, else one on this machine."""
    token_url = os.environ.get("WEBEX_TOKEN_URL")  # for a sandbox that runs elsewhere
    if os.environ.get("WEBEX_CLIENT_ID") or os.environ.get("WEBEX_REFRESH_TOKEN"):
        token = read_refresh_token(file)
        on_refresh = partial(store, file)
        with Webex(refresh_token=token, on_refresh=on_refresh, token_url=token_url) as webex:
            yield webex
    elif os.environ.get("WEBEX_ACCESS_TOKEN"):
        with Webex() as webex:  # it lasts as long as the token
            yield webex
    else:
        from callhistory.sandbox import Sandbox

        with (
            tempfile.TemporaryDirectory() as folder,  # the tokens of a sandbox end with it
            Sandbox(chatter=2, rotate_refresh_tokens=True) as cloud,
            cloud.webex(
                refresh_token=cloud.refresh_token,
                on_refresh=partial(store, Path(folder) / file.name),
            ) as webex,
        ):
            yield webex


def serve(webex: Webex) -> None:
    with CallHistoryClient(webex, logger="error") as client:

        @client.on("callHistory:user_recent_sessions")
        def on_calls(event: CallSessionEvent) -> None:
            for session in event.data.user_sessions.user_sessions:
                log.info("%s call, %s", session.direction, session.disposition)

        @signals.offline.connect_via(client)
        def on_offline(client: CallHistoryClient, event: signals.Offline) -> None:
            if event.reconnecting:  # otherwise wait() raises the reason
                log.warning("offline: %s", event.reason)

        client.listen()
        log.info("Listening. Ctrl-C or SIGTERM ends it.")
        client.wait()


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--tokens", type=Path, default=Path("webex-tokens.json"), metavar="FILE")
    file: Path = parser.parse_args().tokens
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", level=logging.INFO)
    with contextlib.suppress(KeyboardInterrupt), connect(file) as webex:
        serve(webex)


if __name__ == "__main__":
    run(main)
