"""The accounts of a sandbox and their tokens."""

from __future__ import annotations

import secrets
from datetime import datetime
from threading import Lock

from callhistory.sandbox._world.devices import Clock
from callhistory.sandbox._world.people import Person

_CLUSTER = "PF84"


class Account:
    """A person who can sign in, and their tokens; any thread may use it.

    Attributes:
        person: whose account it is.
        refresh_token: the token that new access tokens are requested with.
    """

    def __init__(self, person: Person, org_id: str, clock: Clock) -> None:
        self.person = person
        self.refresh_token: str = secrets.token_urlsafe(32)
        self._org_id = org_id
        self._clock = clock
        self._lock = Lock()
        self._expiries: dict[str, datetime | None] = {}
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
        """Replace the refresh token; the previous one becomes invalid."""
        self.refresh_token = secrets.token_urlsafe(32)

    def issue_token(self, until: datetime | None = None) -> str:
        """Return a new access token; earlier ones stay valid.

        Args:
            until: when it expires; ``None`` means never.
        """
        # The JavaScript SDK reads the organization from the third part.
        token = f"{secrets.token_hex(32)}_{_CLUSTER}_{self._org_id}"
        with self._lock:
            self._expiries[token] = until
            self._access_token = token
        return token

    def expire_token(self, token: str | None = None) -> None:
        """Invalidate an access token.

        Args:
            token: which one; ``None`` means the one that was issued last.
        """
        with self._lock:
            self._expiries.pop(token or self._access_token, None)

    def accepts(self, token: str) -> bool:
        """Return whether an access token belongs to this account and is still valid."""
        with self._lock:
            until = self._expiries.get(token)
            return token in self._expiries and (until is None or self._clock() < until)

    def __repr__(self) -> str:
        return f"<Account of {self.person.name}>"
