"""Runs of the archive's program in this process, and what it has asked for and stored."""

from __future__ import annotations

import contextlib
import io
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import archive
import pytest
from sqlalchemy import text

from callhistory import CallHistoryClient, UserSession
from callhistory.sandbox import Sandbox
from tests.examples.archive_interrupted import open_database
from tests.support.programs import account_of

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def archive_calls(cloud: Sandbox | None, *options: str) -> str:
    """Run the program to its end, with an account or without one, and return its output."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    said = io.StringIO()
    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
            for name, value in ({} if cloud is None else account_of(cloud)).items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["archive.py", *options])
            archive.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return said.getvalue()


def rows_of(database: str) -> dict[str, dict[str, Any]]:
    """Read the sessions in a database without the program's own code."""
    with open_database(database).connect() as connection:
        found = connection.execute(text("SELECT * FROM sessions")).mappings().all()
    return {row["session_id"]: dict(row) for row in found}


def days_asked(cloud: Sandbox) -> float:
    """Return how many days back the last request for a page went."""
    since = cloud.requests_to("/userSessions", "GET")[-1].query["from"]
    return (datetime.now(UTC) - datetime.fromisoformat(since)) / timedelta(days=1)


def history_of(cloud: Sandbox) -> list[UserSession]:
    """Return all sessions of a sandbox."""
    with CallHistoryClient(cloud.webex()) as client:
        return list(client.get_call_history_data(days=30, limit=1_000))
