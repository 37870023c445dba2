"""The requests Session: headers, token, redirects, one replay after a 401."""

from __future__ import annotations

import contextlib
import itertools
import json
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
import urllib3
from attrs import evolve, field, frozen
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


@frozen(kw_only=True)
class _Request:
    """A request, but for its token."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    content: bytes | None = field(repr=False)
    headers: Mapping[str, str]


class Session:
    """One client's requests to Webex. It may be used from several threads.

    Args:
        callers: the session whose settings to use; it is not changed, and not closed. See
            :class:`.RequestsSession` for what is taken over.
        tokens: where tokens come from.
        hosts: where tokens may go.
        policy: the timeouts and retries of each request.
        like: a session that this one goes on for: with its cookies and tracking ids.
        share_connections: whether to share the connections of ``like``, and be closed with it.
    """

    def __init__(
        self,
        callers: requests.Session,
        tokens: TokenSource,
        hosts: TrustedHosts,
        policy: RetryPolicy,
        *,
        like: Session | None = None,
        share_connections: bool = False,
    ) -> None:
        self._callers = callers
        self._tokens = tokens
        self._hosts = hosts
        self.policy = policy
        self.closed: threading.Event = threading.Event()
        self._last_moment: threading.Lock = threading.Lock()
        self._tracking = f"callhistory_{uuid.uuid4()}"
        self._numbers = itertools.count(1)
        if like is not None:
            self._tracking, self._numbers = like._tracking, like._numbers
        if like is not None and share_connections:
            self.closed, self._last_moment = like.closed, like._last_moment
            self._adapters: dict[str, BaseAdapter] = like._adapters
        else:
            self._adapters = adapters_of(callers, policy.limits.read_timeouts_an_answer)
        self._session = session_like(callers)
        for prefix, adapter in self._adapters.items():
            self._session.mount(prefix, RetryAdapter(adapter, policy, self.closed))
        if like is not None:
            self._session.cookies = like._session.cookies

    def with_policy(self, policy: RetryPolicy) -> Session:
        """Return a session with another policy that shares connections, and is closed with this."""
        return Session(
            self._callers, self._tokens, self._hosts, policy, like=self, share_connections=True
        )

    def successor(self, policy: RetryPolicy) -> Session:
        """Return a session that goes on after this one is closed."""
        return Session(self._callers, self._tokens, self._hosts, policy, like=self)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request and return the answer; a token that Webex refuses is renewed once.

        Args:
            method: such as ``"GET"``.
            url: the address, without a query.
            params: the query.
            body: what to send as JSON.
            headers: besides those that every request has.

        Raises:
            AuthenticationError: there is no token to try; or Webex refused to give one, then with
                a tracking id.
            ApiError: Webex could not give a token.
            TransportError: nobody answered, or the address may not see the token.
            DecodeError: the answer is too large, or not compressed as it says.
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
        answer = self._follow(request, token)
        if answer.status_code == 401:
            try:
                fresh = self._tokens.renew(token, self)
            except CallHistoryError as error:
                return evolve(answer, reason=_why(error))
            if fresh is not None:
                answer = self._follow(request, fresh)
        return answer

    def token(self) -> Token:
        """Return the token to use now; see :class:`TokenSource` for what it raises."""
        return self._tokens.current(self)

    def renew_token(self, refused: Token) -> Token | None:
        """Return a token in place of a refused one; see :class:`TokenSource`."""
        return self._tokens.renew(refused, self)

    def send_form(self, form: Form) -> Response:
        """Send a form, without a token, and return the answer.

        Raises:
            TransportError: nobody answered.
            DecodeError: the answer is too large, or not compressed as it says.
        """
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(form.fields).encode()
        return self._send(
            _Request(method="POST", url=form.url, content=content, headers=kind), None
        )

    def websocket_settings(self, url: str) -> tuple[str | None, ssl.SSLContext | None]:
        """Return the proxy and the TLS settings for a websocket, the same as for HTTP."""
        address = "http" + url.removeprefix("ws")
        settings = self._session.merge_environment_settings(address, {}, None, self._verify(), None)
        proxy = None if is_on_this_machine(url) else select_proxy(address, settings["proxies"])
        return proxy, _tls(settings["verify"], settings["cert"]) if url[:4] == "wss:" else None

    @contextlib.contextmanager
    def last_moment(self) -> Iterator[None]:
        """Keep :meth:`close` from cutting off what is done in the block, for a moment."""
        with self._last_moment:
            yield

    def close(self) -> None:
        """End the waits between two attempts and the answers that are under way.

        From then on nothing is sent. What runs in :meth:`last_moment` may go on for that long: a
        device whose registration is cut off could not be deleted. Connections of an adapter of the
        caller's are theirs.
        """
        self.closed.set()
        if self._last_moment.acquire(timeout=self.policy.limits.last_moment):
            self._last_moment.release()
        for adapter in self._adapters.values():
            if isinstance(adapter, DeadlineAdapter):
                adapter.interrupt()
                adapter.close()

    def _follow(self, request: _Request, token: Token) -> Response:
        """Send a request, also where Webex redirects it to if that is a trusted host."""
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._send(request, token)
            followed = (307, 308) if request.method != "GET" else (301, 302, 303, 307, 308)
            if answer.status_code not in followed or not answer.location:
                break
            try:
                target = urljoin(request.url, answer.location)
            except ValueError:
                break
            if self._hosts.objection(target) is not None:
                break
            request = evolve(request, url=target, params=None)
        return answer

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
            response = self._session.request(
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
            answered = getattr(error, "response", None)  # a hook of the user's raises for it
            if isinstance(answered, requests.Response):
                return _read(answered, tracking_id)
            cause = without_context(error, handled)
            problem = no_answer(request.method, host, cause, tracking_id)
        else:
            took = (time.monotonic() - began) * 1000
            log.debug("%s %s: %d, %.0f ms", request.method, host, response.status_code, took)
            return _read(response, tracking_id)
        raise problem  # out of the except blocks: what they handled holds the request

    def _verify(self) -> bool | str | None:
        """Return what the caller's session says of certificates; the environment would win."""
        verify = self._callers.verify
        return None if verify is True else verify


def _read(response: requests.Response, tracking_id: str) -> Response:
    return Response(
        status_code=response.status_code,
        body=response.content,
        tracking_id=response.headers.get("trackingid", tracking_id)[:200],
        retry_after=retry_after(response.headers),
        etag=response.headers.get("etag"),
        location=response.headers.get("location"),
    )


def _no_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a request as it is; without any authentication, requests would look into .netrc."""
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
