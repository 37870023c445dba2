"""The HTTP session: headers, token, redirects, and one retry after a 401."""

from __future__ import annotations

import contextlib
import itertools
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
import urllib3
from attrs import evolve, frozen
from requests.adapters import BaseAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from .._errors import ApiError, CallHistoryError, TransportError
from .._logging import log
from .._version import __version__
from .callers_session import adapters_of, session_like
from .deadline import DeadlineAdapter
from .response import Response
from .retry import GaveUp, RetryAdapter, RetryPolicy, retry_after
from .token import Form, Token, TokenSource
from .transport_errors import no_answer, without_context
from .trusted_hosts import TokenAuth, TrustedHosts, host_and_port, is_on_this_machine

_MOST_REDIRECTS = 5


@frozen(kw_only=True, repr=False, eq=False)
class _Request:
    """A request without its token."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    content: bytes | None
    headers: Mapping[str, str]


class Session:
    """One client's requests to Webex. It may be used from several threads.

    Args:
        callers_session: the session whose settings to use; it is neither changed nor closed. See
            :class:`.RequestsSession` for which settings.
        tokens: the source of tokens.
        hosts: the hosts that tokens may be sent to.
        policy: the timeouts and retries of each request.
        predecessor: a session whose cookies and tracking ids this one continues.
        share_connections: whether to share the predecessor's connections, and to close with it.
    """

    def __init__(
        self,
        callers_session: requests.Session,
        tokens: TokenSource,
        hosts: TrustedHosts,
        policy: RetryPolicy,
        *,
        predecessor: Session | None = None,
        share_connections: bool = False,
    ) -> None:
        self._callers_session = callers_session
        self._tokens = tokens
        self._hosts = hosts
        self.policy = policy
        self.closed: threading.Event = threading.Event()
        self._last_moment: threading.Lock = threading.Lock()
        import uuid  # at first use: it takes a while

        self._tracking = f"callhistory_{uuid.uuid4()}"
        self._numbers = itertools.count(1)
        if predecessor is not None:
            self._tracking, self._numbers = predecessor._tracking, predecessor._numbers
        if predecessor is not None and share_connections:
            self.closed, self._last_moment = predecessor.closed, predecessor._last_moment
            self._adapters: dict[str, BaseAdapter] = predecessor._adapters
        else:
            self._adapters = adapters_of(callers_session, policy.limits.read_timeouts_per_response)
        self._session = session_like(callers_session)
        for prefix, adapter in self._adapters.items():
            self._session.mount(prefix, RetryAdapter(adapter, policy, self.closed))
        if predecessor is not None:
            self._session.cookies = predecessor._session.cookies

    def with_policy(self, policy: RetryPolicy) -> Session:
        """Return a session with another policy that shares connections and closes with this one."""
        return Session(
            self._callers_session,
            self._tokens,
            self._hosts,
            policy,
            predecessor=self,
            share_connections=True,
        )

    def successor(self, policy: RetryPolicy) -> Session:
        """Return a session that continues after this one is closed."""
        return Session(self._callers_session, self._tokens, self._hosts, policy, predecessor=self)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request and return the response; a token that Webex refuses is renewed once.

        Args:
            method: the HTTP method, such as ``"GET"``.
            url: the address, without a query.
            params: the query.
            body: the value to send as JSON.
            headers: headers besides those that every request has.

        Raises:
            AuthenticationError: there is no token to send; or, if the error has a tracking id,
                Webex refused to grant one.
            ApiError: Webex could not grant a token now.
            TransportError: there was no response, or the address must not see the token.
            DecodeError: the response is too large, or not compressed as its headers say.
        """
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = _Request(
            method=method,
            url=url,
            params=params,
            content=None if body is None else json.dumps(body).encode(),
            headers={**kind, **(headers or {})},
        )
        token = self._tokens.current(self)
        response = self._follow(request, token)
        if response.status_code == 401:
            try:
                fresh = self._tokens.renew(token, self)
            except CallHistoryError as error:
                return evolve(response, reason=_why(error))
            if fresh is not None:
                response = self._follow(request, fresh)
        return response

    def token(self) -> Token:
        """Return the token to use now; raises as :meth:`.TokenSource.current`."""
        return self._tokens.current(self)

    def renew_token(self, refused: Token) -> Token | None:
        """Return a token in place of a refused one; see :meth:`.TokenSource.renew`."""
        return self._tokens.renew(refused, self)

    def send_form(self, form: Form) -> Response:
        """Send a form, without a token, and return the response.

        Raises:
            TransportError: there was no response.
            DecodeError: the response is too large, or not compressed as its headers say.
        """
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(form.fields).encode()
        return self._send(
            _Request(method="POST", url=form.url, content=content, headers=kind), None
        )

    def websocket_settings(self, url: str) -> tuple[str | None, ssl.SSLContext | None]:
        """Return the proxy and the TLS settings for a websocket; both are the same as for HTTP."""
        address = "http" + url.removeprefix("ws")
        settings = self._session.merge_environment_settings(address, {}, None, self._verify(), None)
        proxy = None if is_on_this_machine(url) else select_proxy(address, settings["proxies"])
        return proxy, _tls(settings["verify"], settings["cert"]) if url[:4] == "wss:" else None

    @contextlib.contextmanager
    def last_moment(self) -> Iterator[None]:
        """Delay :meth:`close` until the block has ended, for a limited time."""
        with self._last_moment:
            yield

    def close(self) -> None:
        """End all pauses between attempts, and all requests that are under way.

        Nothing is sent from then on. A block in :meth:`last_moment` may finish within its limit,
        as a device whose registration is cut off could not be deleted. Connections of the
        caller's own adapters stay open.
        """
        self.closed.set()
        if self._last_moment.acquire(timeout=self.policy.limits.last_moment):
            self._last_moment.release()
        for adapter in self._adapters.values():
            if isinstance(adapter, DeadlineAdapter):
                adapter.interrupt()
                adapter.close()

    def _follow(self, request: _Request, token: Token) -> Response:
        """Send a request, and follow redirects of Webex to trusted hosts."""
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(request, token)
            followed = (307, 308) if request.method != "GET" else (301, 302, 303, 307, 308)
            if response.status_code not in followed or not response.location:
                break
            try:
                target = urljoin(request.url, response.location)
            except ValueError:
                break
            if self._hosts.objection(target) is not None:
                break
            request = evolve(request, url=target, params=None)
        return response

    def _send(self, request: _Request, token: Token | None) -> Response:
        tracking_id = f"{self._tracking}_{next(self._numbers)}"
        headers = {
            "Accept": "application/json",
            "trackingid": tracking_id,
            "spark-user-agent": f"callhistory/{__version__} (python)",
            "cisco-no-http-redirect": "true",
            **request.headers,
        }
        host = host_and_port(request.url)
        if self.closed.is_set():
            raise TransportError(request.method, host, "not sent: closed meanwhile")
        handled = sys.exception()
        began = time.monotonic()
        try:
            received = self._session.request(
                request.method,
                request.url,
                params=request.params,
                data=request.content,
                headers=headers,
                auth=_no_token if token is None else TokenAuth(token.value, self._hosts),
                timeout=(self.policy.connect, self.policy.read),
                verify=self._verify(),
                allow_redirects=False,
            )
        except GaveUp as gave_up:
            problem = no_answer(
                request.method, host, gave_up.error, tracking_id, attempts=gave_up.attempts
            )
        except (OSError, urllib3.exceptions.HTTPError) as error:
            answered = getattr(error, "response", None)  # for which a hook of the user's raised
            if isinstance(answered, requests.Response):
                return _read(answered, tracking_id)
            cause = without_context(error, handled)
            problem = no_answer(request.method, host, cause, tracking_id)
        else:
            took = (time.monotonic() - began) * 1000
            log.debug("%s %s: %d, %.0f ms", request.method, host, received.status_code, took)
            return _read(received, tracking_id)
        raise problem  # outside the except blocks: the errors they caught hold the request

    def _verify(self) -> bool | str | None:
        """Return the caller's setting for certificates; the environment would override it."""
        verify = self._callers_session.verify
        return None if verify is True else verify


def _read(received: requests.Response, tracking_id: str) -> Response:
    return Response(
        status_code=received.status_code,
        body=received.content,
        tracking_id=received.headers.get("trackingid", tracking_id)[:200],
        retry_after=retry_after(received.headers),
        etag=received.headers.get("etag"),
        location=received.headers.get("location"),
    )


def _no_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a request as it is; without an ``auth``, requests would read .netrc."""
    return request


def _why(error: CallHistoryError) -> str:
    """Return why a token was not refreshed, in Webex's own words if there are any."""
    return error.reason if isinstance(error, ApiError) and error.reason else str(error)


def _tls(verify: bool | str | None, cert: str | tuple[str, str] | None) -> ssl.SSLContext:
    """Return the TLS settings that requests would use."""
    bundle = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    is_folder = Path(bundle).is_dir()
    context = ssl.create_default_context(
        cafile=None if is_folder else bundle, capath=bundle if is_folder else None
    )
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    return context
