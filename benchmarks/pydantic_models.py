"""The side of pydantic: models with the fields of the library's records, which keep other fields.

A disposition stays a string.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from benchmarks.generated_sessions import Wire
from benchmarks.side import timed


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="allow", frozen=True)


class Link(_Model):
    """``links``."""

    locus_url: str | None = None
    conversation_url: str | None = None
    callback_address: str | None = None


class Self(_Model):
    """``self``."""

    id: str | None = None
    name: str | None = None
    phone_number: str | None = None
    cucm_dn: str | None = Field(default=None, alias="cucmDN")
    ucm_line_number: int | None = None


class Other(_Model):
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


class Redirection(_Model):
    """``redirectionDetails``."""

    reason: str | None = None
    phone_number: str | None = None
    sip_url: str | None = None
    name: str | None = None
    user_id: str | None = None
    is_private: bool | None = None


class Specifics(_Model):
    """``callingSpecifics``."""

    redirection_details: Redirection | None = None


class Session(_Model):
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
    is_pmr: bool | None = Field(default=None, alias="isPMR")
    correlation_ids: tuple[str, ...] = ()
    links: Link = Link()
    self_: Self = Field(default=Self(), alias="self")
    other: Other = Other()
    calling_specifics: Specifics | None = None


class Page(_Model):
    """The body of a response."""

    status_code: int
    user_sessions: tuple[Session, ...]


def values(path: str) -> list[Wire]:
    """Return the sessions of a page, written as JSON again."""
    read = Page.model_validate_json(Path(path).read_bytes())
    sessions: list[Wire] = read.model_dump(mode="json", by_alias=True)["userSessions"]
    return sessions


def decode(path: str, repeat: int) -> float:
    """Return the seconds to read a page."""
    body = Path(path).read_bytes()
    return timed(lambda: Page.model_validate_json(body), repeat)


ORDERS: dict[str, Any] = {"values": values, "decode": decode}
