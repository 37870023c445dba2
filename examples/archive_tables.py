"""The archive's tables: each session in columns of plain types, and complete as JSON.

Not a program: examples/archive.py imports it.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from callhistory import UserSession, to_wire


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC, also in SQLite, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert it to UTC for the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert it to UTC from the database."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


metadata = MetaData()

# A session's id may come again with another end time: both together name it.
sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("end_time", UtcTime, primary_key=True),
    Column("start_time", UtcTime, nullable=False),
    Column("direction", Text),
    Column("disposition", Text),
    Column("session_type", Text),
    Column("duration_seconds", BigInteger),
    Column("other_name", Text),
    Column("other_phone_number", Text),
    Column("other_email", Text),
    Column("user_id", Text),
    Column("is_read", Boolean, nullable=False),  # may know of a mark that "record" is older than
    Column("deleted_at", UtcTime),  # when the archive heard of it
    Column("record", Text),
)

# One row, once a run was complete: what ended from "since" to "until" is all there.
progress = Table(
    "progress",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
)


def as_row(session: UserSession) -> dict[str, Any]:
    """Return a session as a row that any database takes, whatever Webex sent."""
    seconds = session.duration_seconds
    return {
        "session_id": as_key(session.session_id),
        "end_time": session.end_time,
        "start_time": session.start_time,
        "direction": as_text(session.direction),
        "disposition": as_text(session.disposition),
        "session_type": as_text(session.session_type),
        "duration_seconds": None if seconds is None or abs(seconds) >= 2**63 else seconds,
        "other_name": as_text(session.other.name),
        "other_phone_number": as_text(session.other.phone_number),
        "other_email": as_text(session.other.email),
        "user_id": as_text(session.self_.id),
        "is_read": bool(session.is_read),
        "deleted_at": datetime.now(UTC) if session.is_deleted else None,
        "record": as_json(session),
    }


def as_text(text: str | None) -> str | None:
    """Escape what databases refuse: NUL and lone surrogates."""
    return None if text is None else re.sub("[\0\ud800-\udfff]", _escape, str(text))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def as_key(session_id: str) -> str:
    """Return an id that fits into an index: a long one is cut, and a hash keeps it unique."""
    text = re.sub("[\0\ud800-\udfff]", _escape, session_id)
    return text if len(text) <= 500 else text[:400] + hashlib.sha256(text.encode()).hexdigest()


def as_json(session: UserSession) -> str | None:
    """Return a whole session as JSON in ASCII; ``None`` if it is nested too deep."""
    try:
        return json.dumps(to_wire(session))
    except ValueError:  # beyond the documentation, it is nested hundreds of levels deep
        return None


if __name__ == "__main__":
    print(__doc__)
