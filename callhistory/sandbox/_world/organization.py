"""An organization on Webex: its people, their histories and their devices."""

from __future__ import annotations

import secrets
from datetime import timedelta
from random import Random
from threading import RLock

import attrs

from callhistory.sandbox._world.accounts import Account
from callhistory.sandbox._world.addresses import Addresses
from callhistory.sandbox._world.announcements import Announcements, recent_session
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


@attrs.frozen(kw_only=True)
class OrganizationOptions:
    """The arguments of a `Sandbox` that shape its organization."""

    backend: str
    sessions: int
    days: int | None
    complete: bool
    seed: int
    clock: Clock
    device_limit: int
    token_lifetime: timedelta
    rotate_refresh_tokens: bool


class Organization:
    """Everything that a sandbox remembers.

    Attributes:
        addresses: the addresses of its services.
        options: what it was asked to be like.
        clock: returns the current time.
        org_id: its id.
        client_id: the id of the integration that its tokens belong to.
        client_secret: the secret of that integration.
        rng: the source of everything that depends on the seed.
        contacts: the people who call and are called.
        devices: the registered devices.
        announcements: publishes every change of a history.
        holder: the first account.
    """

    def __init__(self, addresses: Addresses, options: OrganizationOptions) -> None:
        self.addresses = addresses
        self.options = options
        self.clock = options.clock
        self.client_id = f"C{secrets.token_hex(32)}"
        self.client_secret = secrets.token_hex(32)
        self.rng = Random(options.seed)
        self.org_id = new_id(self.rng)
        self.devices = Devices(addresses, options.clock, options.device_limit)
        self.announcements = Announcements()
        self._lock = RLock()
        self._accounts: tuple[Account, ...] = ()
        self._histories: dict[str, History] = {}
        self._people_met = 0
        colleagues = tuple(self.meet(name, email_address(name)) for name in COLLEAGUES)
        self.contacts = colleagues + tuple(self.meet(name) for name in CUSTOMERS)
        self.holder = self.open_account(ACCOUNT_HOLDER, options.sessions)

    def meet(self, name: str, email: str | None = None) -> Person:
        """Return a new person with a fictional number; those with an e-mail are colleagues."""
        with self._lock:
            number = fictional_number(100 + 37 * self._people_met)
            self._people_met += 1
            return Person(new_id(self.rng), name, number, email)

    def open_account(self, name: str, sessions: int) -> Account:
        """Return a new account whose history has a number of sample sessions."""
        with self._lock:
            person = self.meet(name, email_address(name))
            samples = sample_sessions(
                person,
                self.contacts,
                sessions,
                backend=self.options.backend,
                now=self.clock(),
                rng=self.rng,
                addresses=self.addresses,
                complete=self.options.complete,
                days=self.options.days,
            )
            account = Account(person, self.org_id, self.clock)
            self._histories[person.id] = History(samples)
            self._accounts += (account,)
            return account

    def history_of(self, account: Account) -> History:
        """Return the call history of an account."""
        return self._histories[account.id]

    def account_of_token(self, token: str) -> Account | None:
        """Return the account that a valid access token belongs to."""
        return next((account for account in self._accounts if account.accepts(token)), None)

    def account_of_refresh_token(self, token: str) -> Account | None:
        """Return the account that a refresh token belongs to."""
        return next((a for a in self._accounts if a.refresh_token == token), None)

    def account_of_user(self, user_id: str) -> Account | None:
        """Return the account of a user."""
        return next((account for account in self._accounts if account.id == user_id), None)

    def record(self, account: Account, session: Wire, *, legacy: bool = False) -> None:
        """Add a session to a history and announce it, perhaps by the event's older name."""
        self.history_of(account).add(session)
        self.announcements.publish(account.id, recent_session(session, legacy=legacy))
