"""One user at Webex: credentials, the service catalog, and this program's device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Self

import requests

from .._arguments import member, seconds_to_connect_and_read, whole_number
from .._concurrency import SingleFlight, start_throttle
from .._fork import UsingProcess
from .._http.retry import RetryPolicy
from .._http.session import Session
from .._http.token import TokenSource
from .._http.token_refresh import TokenGrant, read_token_url
from .._http.token_source import TokenFunction, token_source
from .._http.trusted_hosts import TrustedHosts
from .._limits import USUAL, Limits
from .._public import public
from .._records.enums import CallingBackend
from .._redaction import without_frames
from .catalog import Catalog, read_catalog, read_u2c_url
from .device import Device, Registration, say_goodbye


class Account:
    """One user of Webex, for clients that use it at the same time or one after another.

    Args:
        callers_session: the session whose settings to use.
        tokens: the source of the user's tokens.
        hosts: the hosts that tokens may be sent to.
        policy: the timeouts and retries of a request.
        u2c_url: the address of the service catalog.
        backend: the user's calling backend; ``None`` to ask Webex.
    """

    def __init__(
        self,
        callers_session: requests.Session,
        tokens: TokenSource,
        hosts: TrustedHosts,
        policy: RetryPolicy,
        u2c_url: str,
        backend: CallingBackend | None,
    ) -> None:
        self.limits = policy.limits
        self.hosts = hosts
        self.policy = policy
        self.u2c_url = u2c_url
        self.closed = False
        self.process = UsingProcess()
        self._callers_session = callers_session
        self._tokens = tokens
        self._backend = backend
        self._catalog: SingleFlight[Catalog] = SingleFlight()
        self._registration = Registration(hosts, policy.limits)
        self._lock = threading.Lock()
        self._http_sessions: set[Session] = set()  # one for each client
        self._listener_stop: threading.Event | None = None  # set when that client stops listening

    def open_http_session(self) -> Session:
        """Return a new HTTP session."""
        return Session(self._callers_session, self._tokens, self.hosts, self.policy)

    def catalog(self, http: Session) -> Catalog:
        """Return the service catalog, which is fetched at first need.

        Raises:
            ApiError: Webex refused the request.
            CallHistoryError: there was no response, or not one that Webex sends.
            RuntimeError: the account is closed.
        """
        self._use()
        return self._catalog.get(lambda: self._fetch_catalog(http), http.closed)

    def device(self, http: Session) -> Device:
        """Return this program's device, registered at first need; raises as :meth:`catalog`."""
        return self._registration.get(http, self.catalog(http).link("wdm"))

    def origin(self, http: Session) -> tuple[CallingBackend | None, dict[str, str]]:
        """Return the user's calling backend, if it is known, and the header that names the device.

        A device is registered unless the calling backend was passed. Raises as :meth:`catalog`.
        """
        backend = self._backend or self.device(http).backend
        return backend, self.device_header()

    def device_header(self) -> dict[str, str]:
        """Return the header of a request that comes from this program's device, if there is one."""
        url = self._registration.url
        return {} if url is None else {"cisco-device-url": url}

    def refresh_device(self, http: Session) -> Device:
        """Refresh this program's device, or register it again if Webex has forgotten it; return it.

        Its websocket address may have changed. Raises as :meth:`catalog`.
        """
        self._use()
        return self._registration.refresh(http) or self.device(http)

    def join(self) -> Session:
        """Return a new HTTP session for one more client."""
        with self._lock:
            self._check_open()
            http = self.open_http_session()
            self._http_sessions.add(http)
        return http

    def leave(self, http: Session) -> None:
        """End a client's requests; the last client deletes the device."""
        with self._lock:
            joined = http in self._http_sessions
            self._http_sessions.discard(http)
            is_last = joined and not self._http_sessions and not self.closed
        http.close()
        if is_last:
            self._delete_device(http)

    def close(self) -> None:
        """End the requests of all clients, and delete the device."""
        if self.process.forked:
            self.closed = True
            return
        with self._lock:
            self.closed = True
            http_sessions = list(self._http_sessions)
        for http in http_sessions:
            http.close()
        self._delete_device(http_sessions[0] if http_sessions else None)

    def claim_events(self, stop: threading.Event) -> bool:
        """Reserve live events for one client; return whether no other client has them.

        Args:
            stop: is set when that client has stopped listening.
        """
        with self._lock:
            if self._listener_stop is not None and not self._listener_stop.is_set():
                return False
            self._listener_stop = stop
            return True

    def _use(self) -> None:
        self._check_open()
        self.process.note()

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError("this Webex is closed; create another one")

    def _fetch_catalog(self, http: Session) -> Catalog:
        with start_throttle.turn(self.limits.throttle_wait):
            response = http.request("GET", f"{self.u2c_url}/catalog", params={"format": "hostmap"})
        response.raise_for_status()
        return read_catalog(response.body, self.hosts)

    def _delete_device(self, http: Session | None) -> None:
        device = self._registration.take()
        if device is not None:
            say_goodbye(device, http or self.open_http_session())


@public
class Webex:
    """One user of Webex, for one or several clients.

    The constructor sends nothing. The service catalog and this program's device are requested at
    first need, and only once, however many threads need them. Any thread may use it.

    Args:
        access_token: the user's token, or a function without arguments that returns one; it is
            called at first need, and again when Webex refuses the token that it returned. If this
            and the next three are ``None``, they are read from the environment:
            ``WEBEX_ACCESS_TOKEN``, ``WEBEX_CLIENT_ID``, ``WEBEX_CLIENT_SECRET`` and
            ``WEBEX_REFRESH_TOKEN``.
        client_id: the integration that tokens are refreshed for. A token is refreshed when Webex
            refuses it, and before it expires; when there is no access token, at first need.
        client_secret: the secret of the integration.
        refresh_token: the token that is exchanged for access tokens. If only some of these three
            are passed, the others are read from the environment.
        on_refresh: is called with a :class:`TokenGrant` after each refresh, from the thread that
            needed the token, so that a program can store it. If it raises, that is logged, without
            the exception's text, and the token is used anyway.
        token_url: the address where tokens are refreshed; by default, commercial Webex's. The
            government cloud's address is not known and must be passed.
        calling_backend: the user's calling backend: ``"WEBEX_CALLING"``,
            ``"BROADWORKS_CALLING"`` or ``"UCM_CALLING"``, or a member of :class:`CallingBackend`.
            Requests then need no device, except for the line numbers on UCM.
        u2c_url: the address of the service catalog; by default, ``U2C_SERVICE_URL`` from the
            environment, or else commercial Webex's.
        fedramp: whether the default catalog is the government cloud's.
        session: a session whose settings to use: ``proxies``, ``verify``, ``cert``, ``trust_env``,
            ``hooks``, ``cookies``, ``headers``, ``params`` and adapters, but never ``auth``. It is
            neither changed nor closed.
        timeout: seconds, or a pair (seconds to connect, seconds for a read). A response takes at
            most four times the latter in all.
        max_retries: how often a request is sent again after a temporary failure.
        allowed_domains: domains that may see the token besides Webex's own and the catalog's;
            their sub-domains are included.

    Raises:
        AuthenticationError: no token is passed, and the environment has none.
        TypeError, ValueError: an argument has the wrong type or makes no sense.
    """

    @without_frames
    def __init__(
        self,
        *,
        access_token: str | TokenFunction | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        on_refresh: Callable[[TokenGrant], object] | None = None,
        token_url: str | None = None,
        calling_backend: CallingBackend | str | None = None,
        u2c_url: str | None = None,
        fedramp: bool = False,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = (5.0, 30.0),
        max_retries: int = 4,
        allowed_domains: Iterable[str] = (),
        _limits: Limits | None = None,
    ) -> None:
        limits = _limits or USUAL
        tokens = token_source(
            access_token,
            client_id,
            client_secret,
            refresh_token,
            url=read_token_url(token_url, fedramp=fedramp),
            on_refresh=on_refresh,
            limits=limits,
        )
        if session is not None and not isinstance(session, requests.Session):
            raise TypeError(f"session: expected a requests.Session, not {type(session).__name__}")
        hosts = TrustedHosts(allowed_domains)
        address = read_u2c_url(u2c_url, hosts, fedramp=fedramp)
        backend = None
        if calling_backend is not None:
            backend = member(calling_backend, CallingBackend, "calling_backend")
        connect, read = seconds_to_connect_and_read(timeout)
        retries = whole_number(max_retries, "max_retries", minimum=0)
        policy = RetryPolicy(connect=connect, read=read, retries=retries, limits=limits)
        self._account = Account(
            requests.Session() if session is None else session,
            tokens,
            hosts,
            policy,
            address,
            backend,
        )

    def __repr__(self) -> str:
        # A debugger may show one whose constructor raised, which has no account.
        account = getattr(self, "_account", None)
        return f"<{type(self).__name__} at {account.u2c_url if account else '?'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete this program's device and close the connections; it cannot be used again.

        It takes a few seconds at most, whatever the network does, and may be called twice.
        """
        self._account.close()
