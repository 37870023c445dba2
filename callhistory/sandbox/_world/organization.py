"""An organization on Webex: its people, their histories and their devices."""

from __future__ import annotations

import secrets
from datetime import timedelta
from random import Random
from threading import RLock

from callhistory.sandbox._world.accounts import Account
from callhistory.sandbox._world.addresses import Addresses
from callhistory.sandbox._world.changes import Change, ChangeKind, Changes
from callhistory.sandbox._world.devices import Clock, Devices
from callhistory.sandbox._world.history import History
from callhistory.sandbox._world.people import (
    ACCOUNT_HOLDER,
    COLLEAGUES,
    CUSTOMERS,
    Person,
    email_address,
    fictional_number,
)
from callhistory.sandbox._world.sample_calls import sample_sessions
from callhistory.sandbox._world.session_json import Wire, new_id

BACKENDS = ("WEBEX_CALLING", "UCM_CALLING", "BROADWORKS_CALLING")


class Organization:
    """Everything that a sandbox remembers.

    Attributes:
        addresses: where its services are.
        backend: its calling backend.
        org_id: its id.
        client_id: the integration that its tokens belong to.
        client_secret: what that integration proves itself with.
        token_lifetime: for how long a refreshed access token is valid.
        rotate_refresh_tokens: whether a refresh replaces the refresh token, too.
        clock: what time it is.
        rng: where everything comes from that is the same for the same seed.
        contacts: the people who call and are called.
        devices: what is registered.
        changes: where every change in a history is told.
        holder: the first account.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        backend: str,
        sessions: int,
        days: int | None,
        complete: bool,
        seed: int,
        clock: Clock,
        device_limit: int,
        token_lifetime: timedelta,
        rotate_refresh_tokens: bool,
    ) -> None:
        self.addresses = addresses
        self.backend = backend
        self.clock = clock
        self.token_lifetime = token_lifetime
        self.rotate_refresh_tokens = rotate_refresh_tokens
        self.client_id = f"C{secrets.token_hex(32)}"
        self.client_secret = secrets.token_hex(32)
        self.rng = Random(seed)
        self.org_id = new_id(self.rng)
        self.devices = Devices(addresses, clock, device_limit)
        self.changes = Changes()
        self._complete = complete
        self._days = days
        self._lock = RLock()
        self._accounts: tuple[Account, ...] = ()
        self._numbers = 0
        colleagues = tuple(self.meet(name, email_address(name)) for name in COLLEAGUES)
        self.contacts = colleagues + tuple(self.meet(name) for name in CUSTOMERS)
        self.holder = self.open_account(ACCOUNT_HOLDER, sessions)

    def meet(self, name: str, email: str | None = None) -> Person:
        """Make up a person with a fictional number; those with an e-mail are colleagues."""
        with self._lock:
            number = fictional_number(100 + 37 * self._numbers)
            self._numbers += 1
            return Person(new_id(self.rng), name, number, email)

    def open_account(self, name: str, sessions: int) -> Account:
        """Make up a person with an account and so many sessions."""
        with self._lock:
            person = self.meet(name, email_address(name))
            history = sample_sessions(
                person,
                self.contacts,
                sessions,
                backend=self.backend,
                now=self.clock(),
                rng=self.rng,
                addresses=self.addresses,
                complete=self._complete,
                days=self._days,
            )
            account = Account(person, self.org_id, History(history), self.clock)
            self._accounts += (account,)
            return account

    def account_of_token(self, token: str) -> Account | None:
        """Find the account that a valid access token belongs to."""
        return next((account for account in self._accounts if account.accepts(token)), None)

    def account_of_refresh_token(self, token: str) -> Account | None:
        """Find the account that a refresh token belongs to."""
        return next((a for a in self._accounts if a.refresh_token == token), None)

    def account_of_user(self, user_id: str) -> Account | None:
        """Find the account of a user."""
        return next((account for account in self._accounts if account.id == user_id), None)

    def record(self, account: Account, session: Wire, *, legacy: bool = False) -> None:
        """Let a session land in a history, and tell of it, perhaps by the event's older name."""
        account.history.add(session)
        self.changes.publish(
            Change(
                kind=ChangeKind.RECENT_LEGACY if legacy else ChangeKind.RECENT,
                user_id=account.id,
                session_ids=(session["sessionId"],),
                sessions=(session,),
            )
        )
