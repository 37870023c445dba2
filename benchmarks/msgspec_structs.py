"""The side of msgspec: Structs with the fields of the library's records, filled while it parses.

They keep nothing that they do not name, and a disposition stays a string: it is the limit of what
a reader in Python can be.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.generated_sessions import Wire
from benchmarks.side import timed


class Link(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """``links``."""

    locus_url: str | None = None
    conversation_url: str | None = None
    callback_address: str | None = None


class Self(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """``self``."""

    id: str | None = None
    name: str | None = None
    phone_number: str | None = None
    cucm_dn: str | None = msgspec.field(default=None, name="cucmDN")
    ucm_line_number: int | None = None


class Other(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """``other``."""

    id: str | None = None
    owner_id: str | None = None
    name: str | None = None
    sip_url: str | None = None
    primary_display_string: str | None = None
    secondary_display_string: str | None = None
    is_private: bool | None = None
    callback_address: str | None = None
    phone_number: str | None = None
    contact: str | None = None
    email: str | None = None


class Redirection(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """``redirectionDetails``."""

    reason: str | None = None
    phone_number: str | None = None
    sip_url: str | None = None
    name: str | None = None
    user_id: str | None = None
    is_private: bool | None = None


class Specifics(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """``callingSpecifics``."""

    redirection_details: Redirection | None = None


class Session(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A session."""

    id: str
    session_id: str
    start_time: datetime
    end_time: datetime
    disposition: str | None = None
    direction: str | None = None
    session_type: str | None = None
    url: str | None = None
    duration_seconds: int | None = None
    joined_duration_seconds: int | None = None
    duration_secs: int | None = None
    participant_count: int | None = None
    is_deleted: bool | None = None
    is_read: bool | None = None
    is_pmr: bool | None = msgspec.field(default=None, name="isPMR")
    correlation_ids: tuple[str, ...] = ()
    links: Link = Link()
    self_: Self = msgspec.field(default=Self(), name="self")
    other: Other = Other()
    calling_specifics: Specifics | None = None


class Page(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """The body of a response."""

    status_code: int
    user_sessions: tuple[Session, ...]


_decoder = msgspec.json.Decoder(Page)


def values(path: str) -> list[Wire]:
    """Return the sessions of a page, written as JSON again."""
    written = msgspec.json.encode(_decoder.decode(Path(path).read_bytes()).user_sessions)
    sessions: list[Wire] = msgspec.json.decode(written)
    return sessions


def decode(path: str, repeat: int) -> float:
    """Return the seconds to read a page."""
    body = Path(path).read_bytes()
    return timed(lambda: _decoder.decode(body), repeat)


ORDERS: dict[str, Any] = {"values": values, "decode": decode}
