"""The sandbox: a Webex on this machine."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from callhistory.sandbox._faults.websocket_faults import Interference
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._observation import Observation
from callhistory.sandbox._rest.http_server import listen
from callhistory.sandbox._site import Site
from callhistory.sandbox._world.accounts import Account
from callhistory.sandbox._world.addresses import TOKEN, U2C, Addresses
from callhistory.sandbox._world.chatter import Chatter
from callhistory.sandbox._world.devices import Clock, Device
from callhistory.sandbox._world.organization import BACKENDS, Organization
from callhistory.sandbox._world.people import Person
from callhistory.sandbox._world.placed_calls import PlacedCall
from callhistory.sandbox._world.session_json import check_is_json, overlay, write_session

if TYPE_CHECKING:
    from callhistory._records.sessions import UserSession
    from callhistory._webex.account import Webex


_FOURTEEN_DAYS = 14 * 24 * 3600.0


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox(Observation, Interference):
    """A Webex on this machine: real HTTP and real websockets, with sample people and calls.

    It remembers what is done to it: sessions that are marked or deleted, registered devices,
    issued tokens. Any number of them may run at once, and any thread may call one. It has people
    and addresses from `start` (or ``with``) on.

    Args:
        port: the loopback port for HTTP; 0 takes a free one.
        mercury_port: the loopback port for websockets; 0 takes a free one.
        backend: the calling backend of its people: ``WEBEX_CALLING``, ``UCM_CALLING`` or
            ``BROADWORKS_CALLING``.
        sessions: how many sessions the account holder has to begin with.
        days: over how many days these are spread, most of them at working hours, missed more often
            when nobody is at the desk, by the time of this machine's zone; ``None`` spreads them
            evenly over six days.
        complete: whether each of these has all that is documented; else some miss an address, as
            real ones do.
        seed: the same seed gives the same people and calls; times are relative to now.
        device_limit: how many devices a user may register.
        chatter: lets a call happen every so many seconds while it runs; ``None`` does not.
        ack_timeout: the seconds after which an event that a device has not acknowledged is
            delivered again; it is, besides, when the device connects anew.
        token_lifetime: for how many seconds an access token that was refreshed is valid.
        rotate_refresh_tokens: whether a refresh also replaces the refresh token, which is then
            refused.
        clock: gives the time as an aware ``datetime``; devices and tokens expire by it.

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
    ) -> None:
        super().__init__()
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
        self._port = port
        self._mercury_port = mercury_port
        self._found = partial(
            Organization,
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
        self._switchboard = Switchboard(ack_timeout)
        self._founded: Organization | None = None
        self._site: Site | None = None
        self._lock = RLock()

    def start(self) -> Self:
        """Begin to answer; harmless if it does already.

        After `close` it comes back at the same addresses and has forgotten nothing.

        Raises:
            OSError: a port cannot be had.
        """
        with self._lock:
            if self._site is None:
                self._site = self._open()
        return self

    def _open(self) -> Site:
        known = self._founded and self._founded.addresses
        with ExitStack() as undo:
            http = undo.enter_context(listen(known.port if known else self._port))
            websockets = listen(known.mercury_port if known else self._mercury_port)
            undo.pop_all()
        if self._founded is None:
            ports = [listening.getsockname()[1] for listening in (http, websockets)]
            self._founded = self._found(Addresses(*ports))
        site = Site(http, websockets, self._founded, self._journal, self._faults, self._switchboard)
        site.start()
        if self._chatter is not None:
            Chatter(self.place_call, self._chatter, site.agenda).start()
        return site

    def close(self) -> None:
        """Stop answering, within two seconds; harmless if it has stopped already."""
        with self._lock:
            if self._site is not None:
                self._site.close()
                self._site = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "not running" if self._site is None else f"at {self.u2c_url}"
        return f"<Sandbox {where}>"

    @property
    def _organization(self) -> Organization:
        if self._founded is None:
            raise RuntimeError("the sandbox has not been started")
        return self._founded

    @property
    def u2c_url(self) -> str:
        """Where its service catalog is: the value for ``U2C_SERVICE_URL``."""
        return self._organization.addresses.http(U2C)

    @property
    def token_url(self) -> str:
        """Where its tokens are refreshed."""
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
        """The integration that tokens are refreshed for."""
        return self._organization.client_id

    @property
    def client_secret(self) -> str:
        """The secret of that integration."""
        return self._organization.client_secret

    def add_user(self, name: str, *, sessions: int = 0) -> Account:
        """Give another person an account.

        Args:
            name: the person's name.
            sessions: how many sessions they have to begin with.
        """
        return self._organization.open_account(name, sessions)

    def issue_token(self, *, user: Account | None = None) -> str:
        """Issue a new access token; those before it stay valid.

        Args:
            user: whose token; ``None`` is the account holder.
        """
        return self._account(user).issue_token()

    def expire_token(self, *, user: Account | None = None) -> None:
        """Answer the access token that was issued last with 401 from now on.

        Args:
            user: whose token; ``None`` is the account holder.
        """
        self._account(user).expire_token()

    def webex(self, *, user: Account | None = None, **options: Any) -> Webex:
        """Make a `callhistory.Webex` that talks to this sandbox.

        Args:
            user: on whose behalf; ``None`` is the account holder.
            **options: further arguments of `callhistory.Webex`; they win over the sandbox's own.
                With a ``refresh_token`` it gets no access token, but what it takes to ask for one.
        """
        from callhistory._webex.account import Webex

        own: dict[str, Any] = {"u2c_url": self.u2c_url}
        if "refresh_token" in options:
            own["token_url"] = self.token_url
            own["client_id"], own["client_secret"] = self.client_id, self.client_secret
        else:
            own["access_token"] = self._account(user).access_token
        return Webex(**(own | options))

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
        """Let a call happen: it lands in a history, and connected devices hear of it.

        Args:
            name: who is at the other end; ``None`` is one of the `contacts`.
            phone_number: their number; ``None`` is a fictional one.
            private: whether they hide both.
            disposition: how it went, as on the wire: ``MISSED``, ``Answered``, ``Initiated``…
            direction: ``INCOMING`` or ``OUTGOING``; ``None`` is what suits the disposition.
            session_type: ``WEBEXCALLING``, ``WEBEXCALLING_SHARED`` or ``SPARK``.
            duration_seconds: how long it was answered; ``None`` is what suits the rest.
            started_at: when it began to ring, with an offset; ``None`` is before `ended_at`.
            ended_at: when it was over, with an offset; ``None`` is now.
            user: in whose history; ``None`` is the account holder.
            legacy: whether devices hear of it by the older name, ``janus.user_sessions``.
            **wire: fields of the session under their wire names, laid over what comes of the
                rest; objects are merged (``other={"email": "ada@example.com"}``).

        Returns:
            The session, as a client would read it.

        Raises:
            ValueError: a time has no offset, or the call ends before it starts.
            DecodeError: with `wire` laid over it, the session cannot be read.
        """
        from callhistory._records.decode import from_wire
        from callhistory._records.sessions import UserSession

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
        call = placed.complete(organization, account)
        session = overlay(write_session(call, organization.rng, organization.addresses), wire)
        check_is_json(session)
        read = from_wire(UserSession, session)
        organization.record(account, session, legacy=legacy)
        return read

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of all users that are registered now, the oldest first."""
        return self._organization.devices.of()

    def retire_websockets(self) -> None:
        """End the websocket addresses of all devices: upgrades there are answered with 404.

        A device gets a new one when it is refreshed. Open connections stay.
        """
        self._organization.devices.retire_websockets()
