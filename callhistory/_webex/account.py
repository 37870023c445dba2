"""The user's side of Webex: credentials, service catalog, this program's device, HTTP session."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import requests
from attrs import evolve

from .._arguments import member, whole_number
from .._concurrency import Once
from .._errors import AuthenticationError, ListenError
from .._http.response import Answer, Refused
from .._http.retry import Effort
from .._http.session import Transport
from .._http.token_refresh import TokenGrant
from .._http.token_source import TokenSource, make_credentials
from .._http.trusted_hosts import Hosts
from .._records.enums import CallingBackend
from .._throttle import few_at_once
from .catalog import Catalog, read_catalog
from .device import Device
from .registration import Registration, delete, say_goodbye
from .settings import read_timeouts, read_token_url, read_u2c_url


class Webex:
    """One user of Webex, for one or several clients.

    Making one sends nothing. The service catalog and this program's device are fetched at first
    need, once, also when several threads ask. It may be used from several threads.

    Args:
        access_token: the user's token, or a function without arguments that gives one; it is
            called at first need, and again when Webex refuses the token that it gave. ``None``,
            and nothing to refresh one with: ``WEBEX_ACCESS_TOKEN`` from the environment, and
            ``WEBEX_CLIENT_ID``, ``WEBEX_CLIENT_SECRET`` and ``WEBEX_REFRESH_TOKEN``.
        client_id: the integration that tokens are refreshed for. A token is refreshed when Webex
            refuses it, and before it expires; when there is no access token, at first need.
        client_secret: what the integration proves itself with.
        refresh_token: what a new access token is asked for with. Of these three, what is not
            passed is taken from the environment.
        on_refresh: is called with a :class:`TokenGrant` each time, from the thread that needed
            the token, so that a program can store it. If it fails, that is logged, without its
            text, and the token is used all the same.
        token_url: where tokens are refreshed. ``None``: Webex's, where it is not the government's.
        calling_backend: what the user's calls run on: ``"WEBEX_CALLING"``,
            ``"BROADWORKS_CALLING"`` or ``"UCM_CALLING"``, or a member of :class:`CallingBackend`.
            It skips detection: the calls then need no device, but for the line numbers on UCM.
        u2c_url: where the service catalog is. ``None``: ``U2C_SERVICE_URL`` from the environment,
            or else commercial Webex's.
        fedramp: use the government cloud's catalog where none is given.
        session: a session whose settings to use: proxies, certificates, hooks, adapters. It is
            not changed, and not closed.
        timeout: seconds, or (seconds to connect, seconds for a read). An answer takes at most
            four times the latter in all.
        max_retries: how often a request is sent again after a failure that may pass.
        allowed_domains: domains that may see the token besides Webex's own and the catalog's,
            sub-domains included.

    Raises:
        AuthenticationError: no token is given, and the environment has none.
        TypeError, ValueError: an argument is of another type, or makes no sense.
    """

    _u2c_url = ""  # for the repr of one that was refused its arguments

    def __init__(
        self,
        *,
        access_token: str | TokenSource | None = None,
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
    ) -> None:
        problem: Exception | None = None
        try:
            self._credentials = make_credentials(
                access_token,
                client_id,
                client_secret,
                refresh_token,
                url=read_token_url(token_url, fedramp=fedramp),
                on_refresh=on_refresh,
            )
        except (AuthenticationError, TypeError, ValueError) as error:
            problem = error.with_traceback(None)
        # What prints an error may print the variables of its frames, too.
        del access_token, client_id, client_secret, refresh_token, token_url
        if problem is not None:
            raise problem
        if session is not None and not isinstance(session, requests.Session):
            raise TypeError(f"session: expected a requests.Session, not {type(session).__name__}")
        self._hosts = Hosts(allowed_domains)
        self._u2c_url = read_u2c_url(u2c_url, self._hosts, fedramp=fedramp)
        self._calling_backend = (
            None
            if calling_backend is None
            else member(calling_backend, CallingBackend, "calling_backend")
        )
        self._connect, self._read = read_timeouts(timeout)
        self._max_retries = whole_number(max_retries, "max_retries", least=0)
        self._session = requests.Session() if session is None else session
        self._transport = self.open_transport(threading.Event())
        self._catalog: Once[Catalog] = Once()
        self._registration = Registration(self._hosts)
        self._lock = threading.Lock()
        self._clients: set[Transport] = set()
        self._listening: threading.Event | None = None  # set when whoever listens has ended
        self._closed = False
        self._process: int | None = None  # which used it first

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._u2c_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete this program's device and close the connections; it cannot be used again.

        It takes a few seconds at most, whatever the network does, and may be called twice.
        """
        if self.forked:
            self._closed = True
            return
        with self._lock:
            self._closed = True
            transports = list(self._clients)
        for transport in transports:
            transport.stop()
        self._leave()

    # --- for the modules above ---

    def open_transport(self, stop: threading.Event) -> Transport:
        """Open an HTTP session of its own; ``stop`` ends its waits between attempts."""
        effort = Effort(self._connect, self._read, self._max_retries, stop)
        return Transport(self._session, self._credentials, self._hosts, effort)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    @property
    def forked(self) -> bool:
        """Whether this is a copy in a forked child, of one that the parent has used."""
        return self._process not in (None, os.getpid())

    def check_process(self) -> None:
        """Do nothing, unless this is a copy of one that a parent process has used.

        Raises:
            RuntimeError: it is: its connections, its device and its locks are the parent's.
        """
        if self.forked:
            raise RuntimeError(
                "this client was used before the process forked, and stays the parent's; "
                "make another one in the child"
            )

    @property
    def connect_timeout(self) -> float:
        """Seconds for a connection to come about."""
        return self._connect

    def objection(self, url: str) -> str | None:
        """Say why the token must not go to an address; ``None`` when it may."""
        return self._hosts.objection(url)

    def request(
        self,
        method: str,
        service: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        transport: Transport | None = None,
        most_retries: int | None = None,
    ) -> Answer:
        """Send a request to a service, from this program's device if it has one.

        Raises:
            Refused: Webex refused the catalog.
            CallHistoryError: there was no answer, or none that Webex sends.
            RuntimeError: this Webex is closed.
        """
        transport = self._open(transport)
        url = self.catalog(transport).link(service) + path
        device = self._registration.url
        headers = {} if device is None else {"cisco-device-url": device}
        effort = transport.effort
        if most_retries is not None:
            effort = evolve(effort, retries=min(effort.retries, most_retries))
        return transport.request(
            method, url, params=params, body=body, headers=headers, effort=effort
        )

    def catalog(self, transport: Transport | None = None) -> Catalog:
        """Give the service catalog; see :meth:`request` for what it raises."""
        opened = self._open(transport)
        return self._catalog.get(
            lambda: self._fetch_catalog(opened), gave_up=lambda: opened.stopped
        )

    def device(self, transport: Transport | None = None) -> Device:
        """Give this program's device; see :meth:`request` for what it raises."""
        opened = self._open(transport)
        return self._registration.get(
            opened, lambda: self.catalog(opened).link("wdm"), self._delete_late
        )

    def backend(self, transport: Transport | None = None) -> CallingBackend | None:
        """Give what the user's calls run on, if Webex says; see :meth:`request`."""
        return self._calling_backend or self.device(transport).backend

    def refresh_device(self, transport: Transport | None = None) -> Device:
        """Tell Webex that this program's device is still there; register anew if it is forgotten.

        Its answer may have another websocket address. See :meth:`request` for what it raises.
        """
        opened = self._open(transport)
        return self._registration.refresh(opened) or self.device(opened)

    def join(self) -> Transport:
        """Give one more client its HTTP session."""
        with self._lock:
            self._check_open()
            transport = self.open_transport(threading.Event())
            self._clients.add(transport)
        return transport

    def part(self, transport: Transport) -> None:
        """End a client's requests; the last client deletes the device."""
        with self._lock:
            left = transport in self._clients
            self._clients.discard(transport)
            last = left and not self._clients and not self._closed
        transport.stop()
        if last:
            self._leave(transport)
        transport.close()

    def claim_events(self, over: threading.Event) -> None:
        """Let one client listen, until it sets ``over``: a device has one connection.

        Raises:
            ListenError: another one does.
        """
        with self._lock:
            if self._listening is not None and not self._listening.is_set():
                raise ListenError(
                    None,
                    "another client of this Webex listens already, and Webex would end one of the "
                    "two; give each a Webex of its own, or connect to the signals",
                )
            self._listening = over

    # --- inside ---

    def _check_open(self) -> None:
        self.check_process()
        if self._closed:
            raise RuntimeError("this Webex is closed; make another one")

    def _open(self, transport: Transport | None) -> Transport:
        self._check_open()
        self._process = os.getpid()
        return self._transport if transport is None else transport

    def _fetch_catalog(self, transport: Transport) -> Catalog:
        url = f"{self._u2c_url}/catalog"
        with few_at_once():
            answer = transport.request("GET", url, params={"format": "hostmap"})
        if not answer.ok:
            raise Refused(answer)
        return read_catalog(answer.body, self._hosts)

    def _leave(self, last: Transport | None = None) -> None:
        """Delete the device, and end what is under way; a later request begins afresh.

        Args:
            last: the session of the client that goes last, which says goodbye.
        """
        with self._lock:
            own, self._transport = self._transport, self.open_transport(threading.Event())
            device = self._registration.take()
        own.stop()
        transport = last or own
        if device is not None:
            say_goodbye(device, transport)
        own.close()

    def _delete_late(self, device: Device) -> None:
        """Delete a device that was registered when nobody was left to delete it."""
        transport = self.open_transport(threading.Event())  # the other one is being stopped
        delete(device, transport)
        transport.close()
        raise RuntimeError("closed while the device was registered")
