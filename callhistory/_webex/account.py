"""One user at Webex: credentials, the service catalog, and this program's device."""

from __future__ import annotations

import threading

import requests

from .._concurrency import SingleFlight, start_throttle
from .._fork import UsingProcess
from .._http.retry import RetryPolicy
from .._http.session import Session
from .._http.token import TokenSource
from .._http.trusted_hosts import TrustedHosts
from .._records.enums import CallingBackend
from .catalog import Catalog, read_catalog
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
