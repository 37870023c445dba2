"""What the examples share: the account that they use, and how they end.

Not a program: the others import it. With WEBEX_ACCESS_TOKEN (or WEBEX_REFRESH_TOKEN, with
WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET) in the environment they use the real Webex. Otherwise they
start a Webex on this machine that ends with them.
"""

import argparse
import contextlib
import io
import math
import os
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from callhistory import (
    CallHistoryClient,
    CallHistoryError,
    EndTimeSessionId,
    Sort,
    UserSession,
)

FULL_PAGE = 1_000
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def is_real() -> bool:
    return bool(os.environ.get("WEBEX_ACCESS_TOKEN") or os.environ.get("WEBEX_REFRESH_TOKEN"))


@contextlib.contextmanager
def connect(**sandbox: Any) -> Iterator[CallHistoryClient]:
    """Return a client of the real Webex if there is a token for it, else of a local one.

    Args:
        **sandbox: the options of the local one, see callhistory.sandbox.Sandbox.
    """
    if is_real():
        with CallHistoryClient(logger="error") as client:  # what fails is said once, by run()
            yield client
        return

    from callhistory.sandbox import Sandbox

    print("No WEBEX_ACCESS_TOKEN: a Webex on this machine, with sample calls.", file=sys.stderr)
    with Sandbox(**sandbox) as cloud, CallHistoryClient(cloud.webex(), "error") as client:
        yield client


def whole_history(client: CallHistoryClient, days: int) -> Iterator[Sequence[UserSession]]:
    """Yield all sessions that ended in the last ``days`` days, page by page, each session once.

    Webex's largest page is not known. A full page is requested again with a higher limit; where
    Webex returns less than the limit, later pages follow until the latest session is there.
    """
    latest = client.get_call_history_data(days=days, limit=1, sort=Sort.DESC)
    awaited = {session.end_time_session_id for session in latest}  # raises if Webex said no
    seen: set[EndTimeSessionId] = set()
    limit = FULL_PAGE
    while True:
        page = client.get_call_history_data(days=days, limit=limit, sort=Sort.ASC)
        fresh = [session for session in page if session.end_time_session_id not in seen]
        seen.update(session.end_time_session_id for session in fresh)
        if fresh:
            yield fresh
        if len(page) >= limit:
            limit *= 4
        elif awaited <= seen:
            return
        elif not fresh:
            latest = client.get_call_history_data(days=days, limit=1, sort=Sort.DESC)
            if all(session.end_time_session_id in seen for session in latest):
                return  # what was awaited has been deleted in the meantime
            raise ValueError(f"Webex gives {len(page)} calls at a time, and two days have more")
        else:
            # One day more, as a call may have begun before the last of this page ended.
            since = datetime.now(UTC) - page[-1].end_time
            days = min(days, max(1, math.ceil(since / timedelta(days=1)) + 1))


def printable(text: str | None) -> str:
    """Remove control characters, which could move a terminal's cursor: names are untrusted."""
    return "".join(char for char in text or "" if unicodedata.category(char) not in UNSEEN)


def name_of(session: UserSession) -> str:
    """Return the name or number of the other side."""
    other = session.other
    return printable(other.name) or printable(other.phone_number) or "private"


def new_parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser; the description is the program's docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def whole_number(text: str) -> int:
    """Return the value of an argument that is a whole number of at least 1."""
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, not {text:.20}")
    return int(text)


def some_seconds(text: str) -> float:
    """Return the value of an argument that is a number of seconds."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1e6:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a number of seconds, not {text:.20}")


def run(program: Callable[[], object], *errors: type[Exception]) -> None:
    """Run a program to its end: Ctrl-C, SIGTERM and SIGHUP are quiet, an error is one line.

    Args:
        program: what to run.
        *errors: errors that are expected besides CallHistoryError, OSError and ValueError.
    """
    expected: tuple[type[Exception], ...] = (CallHistoryError, OSError, ValueError, *errors)
    # As Ctrl-C does, this unwinds the "with" statements: devices are deleted, threads end.
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.default_int_handler)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has every name's letters
    try:
        program()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # of `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except expected as error:
        line = " ".join(str(error).split())
        sys.exit(f"{Path(sys.argv[0]).name}: {line}")


if __name__ == "__main__":
    print(__doc__)
