"""Who may use a sandbox, and with which tokens."""

from __future__ import annotations

import secrets
from datetime import datetime
from threading import Lock

from callhistory.sandbox._world.devices import Clock
from callhistory.sandbox._world.history import History
from callhistory.sandbox._world.people import Person

_CLUSTER = "PF84"


class Account:
    """A person with an account: tokens and a history of their own.

    Attributes:
        person: whose account it is.
        history: their sessions.
        refresh_token: what new access tokens are asked for with.
    """

    def __init__(self, person: Person, org_id: str, history: History, clock: Clock) -> None:
        self.person = person
        self.history = history
        self.refresh_token = secrets.token_urlsafe(32)
        self._org_id = org_id
        self._clock = clock
        self._lock = Lock()
        self._valid: dict[str, datetime | None] = {}  # until when, if there is an end
        self._access_token = self.issue_token()

    @property
    def id(self) -> str:
        """The user's id."""
        return self.person.id

    @property
    def access_token(self) -> str:
        """The access token that was issued last."""
        return self._access_token

    def rotate_refresh_token(self) -> None:
        """Replace the refresh token; the one before it is good for nothing."""
        self.refresh_token = secrets.token_urlsafe(32)

    def issue_token(self, until: datetime | None = None) -> str:
        """Issue a new access token, valid until a time; those before it stay valid."""
        # The JavaScript SDK reads the organization from the third part.
        token = f"{secrets.token_hex(32)}_{_CLUSTER}_{self._org_id}"
        with self._lock:
            self._valid[token] = until
            self._access_token = token
        return token

    def expire_token(self, token: str | None = None) -> None:
        """Refuse a token from now on: the one given, or the one that was issued last."""
        with self._lock:
            self._valid.pop(token or self._access_token, None)

    def accepts(self, token: str) -> bool:
        """Whether a token is one of this account and has not expired."""
        with self._lock:
            until = self._valid.get(token)
            return token in self._valid and (until is None or self._clock() < until)

    def __repr__(self) -> str:
        return f"<Account of {self.person.name}>"
