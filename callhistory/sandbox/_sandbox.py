"""The sandbox: a Webex on this machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, Self

from callhistory._records.decode import read_record
from callhistory._records.sessions import UserSession
from callhistory._webex.webex import Webex
from callhistory.sandbox._faults.script import Script
from callhistory.sandbox._faults.websocket_faults import WebsocketFaults
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._observation import Observation
from callhistory.sandbox._recordings import Recordings
from callhistory.sandbox._sandbox_limits import SandboxLimits
from callhistory.sandbox._servers import Servers, listen
from callhistory.sandbox._world.accounts import Account
from callhistory.sandbox._world.addresses import TOKEN, U2C, Addresses
from callhistory.sandbox._world.devices import Clock, Device
from callhistory.sandbox._world.organization import BACKENDS, Organization, OrganizationOptions
from callhistory.sandbox._world.people import Person
from callhistory.sandbox._world.placed_calls import PlacedCall, place_regularly
from callhistory.sandbox._world.session_json import overlay, write_session, written

_FOURTEEN_DAYS = 14 * 24 * 3600.0


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox(Observation, WebsocketFaults):
    """A Webex on this machine: real HTTP and real websockets, with sample people and calls.

    It remembers what is done to it: sessions that are marked or deleted, registered devices,
    issued tokens. Several sandboxes may run at the same time, and any thread may use one. It has
    people and addresses only after `start`, or within a ``with`` block.

    Args:
        port: the loopback port for HTTP; 0 means any free one.
        mercury_port: the loopback port for websockets; 0 means any free one.
        backend: the calling backend of its people: ``WEBEX_CALLING``, ``UCM_CALLING`` or
            ``BROADWORKS_CALLING``.
        sessions: the number of sessions that the account holder has at first.
        days: the number of days that these are spread over, mostly during working hours of this
            machine's time zone, and missed more often when nobody is at the desk; ``None`` spreads
            them evenly over six days.
        complete: whether each of these has all documented fields; otherwise some lack an address,
            as real ones do.
        seed: the same seed leads to the same people and calls; times are relative to now.
        device_limit: the number of devices that a user may register.
        chatter: the interval in seconds at which calls happen by themselves; ``None`` means never.
        ack_timeout: the seconds after which an event that a device has not acknowledged is
            delivered again. It is also delivered again when the device reconnects.
        token_lifetime: the seconds for which a refreshed access token is valid.
        rotate_refresh_tokens: whether a refresh also replaces the refresh token, so that the
            previous one is refused.
        clock: returns the current time as an aware ``datetime``; devices and tokens expire by it.

    Raises:
        ValueError: `backend` is unknown, or a number is out of its range.

    Example:
        >>> from callhistory.sandbox import Sandbox
        >>> with Sandbox(sessions=3) as cloud:
        ...     cloud.user.name
        'Robin Castellan'
    """

    def __init__(
        self,
        *,
        port: int = 0,
        mercury_port: int = 0,
        backend: str = "WEBEX_CALLING",
        sessions: int = 60,
        days: int | None = None,
        complete: bool = False,
        seed: int = 1,
        device_limit: int = 100,
        chatter: float | None = None,
        ack_timeout: float = 30.0,
        token_lifetime: float = _FOURTEEN_DAYS,
        rotate_refresh_tokens: bool = False,
        clock: Clock = _now,
        _limits: SandboxLimits | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, not {backend!r}")
        if sessions < 0:
            raise ValueError("sessions must be at least 0")
        if days is not None and days < 1:
            raise ValueError("days must be at least 1")
        if device_limit < 1:
            raise ValueError("device_limit must be at least 1")
        spans = {"chatter": chatter, "ack_timeout": ack_timeout, "token_lifetime": token_lifetime}
        for name, seconds in spans.items():
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} must be more than 0 seconds")
        limits = _limits or SandboxLimits()
        self._recordings = Recordings(limits)
        self._faults = Script()
        self._switchboard = Switchboard(self._recordings, ack_timeout, limits)
        self._port = port
        self._mercury_port = mercury_port
        self._options = OrganizationOptions(
            backend=backend,
            sessions=sessions,
            days=days,
            complete=complete,
            seed=seed,
            clock=clock,
            device_limit=device_limit,
            token_lifetime=timedelta(seconds=token_lifetime),
            rotate_refresh_tokens=rotate_refresh_tokens,
        )
        self._chatter = chatter
        self._founded: Organization | None = None
        self._servers: Servers | None = None
        self._lock = RLock()

    def start(self) -> Self:
        """Start the servers; do nothing if they are running.

        After `close`, they start at the same addresses, and nothing is forgotten.

        Raises:
            OSError: a port is not available.
        """
        with self._lock:
            if self._servers is None:
                self._servers = self._start()
        return self

    def _start(self) -> Servers:
        known = self._founded and self._founded.addresses
        http, websockets = listen(
            known.port if known else self._port,
            known.mercury_port if known else self._mercury_port,
        )
        if self._founded is None:
            addresses = Addresses(http.getsockname()[1], websockets.getsockname()[1])
            self._founded = Organization(addresses, self._options)
        servers = Servers(http, websockets, self._founded, self._faults, self._switchboard)
        servers.start()
        if self._chatter is not None:
            place_regularly(self.place_call, self._chatter, servers.timer)
        return servers

    def close(self) -> None:
        """Stop the servers within two seconds; do nothing if they are not running."""
        with self._lock:
            if self._servers is not None:
                self._servers.close()
                self._servers = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "not running" if self._servers is None else f"at {self.u2c_url}"
        return f"<Sandbox {where}>"

    @property
    def _organization(self) -> Organization:
        if self._founded is None:
            raise RuntimeError("the sandbox has not been started")
        return self._founded

    @property
    def u2c_url(self) -> str:
        """The address of its service catalog: the value for ``U2C_SERVICE_URL``."""
        return self._organization.addresses.http(U2C)

    @property
    def token_url(self) -> str:
        """The address at which its access tokens are refreshed."""
        return self._organization.addresses.http(TOKEN)

    @property
    def user(self) -> Person:
        """The account holder."""
        return self._organization.holder.person

    @property
    def contacts(self) -> tuple[Person, ...]:
        """The people who call the account holder, or are called."""
        return self._organization.contacts

    @property
    def access_token(self) -> str:
        """The account holder's access token, the one that was issued last."""
        return self._organization.holder.access_token

    @property
    def refresh_token(self) -> str:
        """The account holder's refresh token."""
        return self._organization.holder.refresh_token

    @property
    def client_id(self) -> str:
        """The id of the integration that its tokens belong to."""
        return self._organization.client_id

    @property
    def client_secret(self) -> str:
        """The secret of that integration."""
        return self._organization.client_secret

    def add_user(self, name: str, *, sessions: int = 0) -> Account:
        """Return an account for another person.

        Args:
            name: the person's name.
            sessions: the number of sessions that they have at first.
        """
        return self._organization.open_account(name, sessions)

    def issue_token(self, *, user: Account | None = None) -> str:
        """Return a new access token; earlier ones stay valid.

        Args:
            user: whose token; ``None`` means the account holder.
        """
        return self._account(user).issue_token()

    def expire_token(self, *, user: Account | None = None) -> None:
        """Refuse the access token that was issued last, with status 401, from now on.

        Args:
            user: whose token; ``None`` means the account holder.
        """
        self._account(user).expire_token()

    def webex(self, *, user: Account | None = None, **options: Any) -> Webex:
        """Return a `callhistory.Webex` that talks to this sandbox.

        Args:
            user: on whose behalf; ``None`` means the account holder.
            **options: further arguments of `callhistory.Webex`, which replace those of the
                sandbox. With a ``refresh_token`` it has no access token at first, but everything
                that is needed to get one.
        """
        arguments: dict[str, Any] = {"u2c_url": self.u2c_url}
        if "refresh_token" in options:
            arguments["token_url"] = self.token_url
            arguments["client_id"] = self.client_id
            arguments["client_secret"] = self.client_secret
        else:
            arguments["access_token"] = self._account(user).access_token
        return Webex(**(arguments | options))

    def _account(self, user: Account | None) -> Account:
        return self._organization.holder if user is None else user

    def place_call(
        self,
        /,
        *,
        name: str | None = None,
        phone_number: str | None = None,
        private: bool = False,
        disposition: str = "MISSED",
        direction: str | None = None,
        session_type: str = "WEBEXCALLING",
        duration_seconds: int | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
        user: Account | None = None,
        legacy: bool = False,
        **wire: Any,
    ) -> UserSession:
        """Add a call to a history and announce it to the connected devices.

        Args:
            name: the other person's name; ``None`` picks one of the `contacts`.
            phone_number: the other person's number; ``None`` means a fictional one.
            private: whether the other person hides both.
            disposition: how it went, as on the wire: ``MISSED``, ``Answered``, ``Initiated``…
            direction: ``INCOMING`` or ``OUTGOING``; ``None`` follows from the disposition.
            session_type: ``WEBEXCALLING``, ``WEBEXCALLING_SHARED`` or ``SPARK``.
            duration_seconds: the seconds between answering and hanging up; ``None`` follows from
                the other arguments.
            started_at: when the phone began to ring, with an offset; ``None`` means some time
                before `ended_at`.
            ended_at: when it was over, with an offset; ``None`` means now.
            user: whose history; ``None`` means the account holder's.
            legacy: whether to announce it by the older name of the event, ``janus.user_sessions``.
            **wire: fields of the session under their wire names, which replace those that follow
                from the rest; objects are merged (``other={"email": "ada@example.com"}``).

        Returns:
            The session, as a client reads it.

        Raises:
            ValueError: a time has no offset, or the call ends before it starts.
            DecodeError: the session cannot be read with these `wire` fields.
        """
        placed = PlacedCall(
            name=name,
            phone_number=phone_number,
            private=private,
            disposition=str(disposition),
            direction=None if direction is None else str(direction),
            session_type=str(session_type),
            duration_seconds=duration_seconds,
            started_at=started_at,
            ended_at=ended_at,
        )
        organization, account = self._organization, self._account(user)
        call = placed.complete(organization, account.person)
        session = overlay(write_session(call, organization.rng, organization.addresses), wire)
        text = written(session)
        read = read_record(UserSession, json.loads(text))
        organization.record(account, json.loads(text), legacy=legacy)
        return read

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of all users that are registered now, the oldest first."""
        return self._organization.devices.of()

    def retire_websockets(self) -> None:
        """Retire the websocket addresses of all devices: upgrades there are answered with 404.

        A device gets a new address when it is refreshed. Open connections stay.
        """
        self._organization.devices.retire_websockets()
