"""One request to Webex: its headers, its token, its redirects, and an answer or an error."""

from __future__ import annotations

import functools
import itertools
import json
import logging
import ssl
import sys
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
import urllib3
from attrs import evolve, field, frozen
from requests.adapters import BaseAdapter
from requests.cookies import RequestsCookieJar
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from .._errors import ApiError, CallHistoryError, TransportError
from .._version import __version__
from .response import Answer, no_answer
from .retry import Effort, GaveUp, RetryAdapter, own, retry_after
from .token_refresh import Form
from .token_source import Credentials
from .tokens import Token
from .trusted_hosts import Hosts, TokenAuth, host_and_port, host_of, is_loopback

log = logging.getLogger(__name__)

_MOST_REDIRECTS = 5
_LAST_MOMENT = 1.0


@frozen(kw_only=True)
class _Sending:
    """A request, but for its token."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    content: bytes | None = field(repr=False)
    headers: Mapping[str, str]
    effort: Effort


class Transport:
    """A requests session that talks to Webex.

    Args:
        session: whose settings to use: proxies, certificates, hooks. It is left as it is.
        credentials: where tokens come from.
        hosts: where tokens may go.
        effort: how hard to try each request, if it has no effort of its own.
    """

    def __init__(
        self, session: requests.Session, credentials: Credentials, hosts: Hosts, effort: Effort
    ) -> None:
        self._lender = session
        self._session = _borrow(session, effort)
        self._credentials = credentials
        self._hosts = hosts
        self.effort = effort
        self.registering = threading.Lock()  # held while a device is registered
        self._tracking = f"callhistory_{uuid.uuid4()}"
        self._numbers = itertools.count(1)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        effort: Effort | None = None,
    ) -> Answer:
        """Send a request and read the answer; a token that Webex refuses is renewed once.

        Raises:
            AuthenticationError: there is no token to try.
            TransportError: nobody answered, or the address may not see the token.
            DecodeError: the answer is too large, or not compressed as it says.
        """
        kind = {} if body is None else {"Content-Type": "application/json"}
        sending = _Sending(
            method=method,
            url=url,
            params=params,
            content=None if body is None else json.dumps(body).encode(),
            headers={**kind, **(headers or {})},
            effort=effort or self.effort,
        )
        # What asks for a token is bounded as the request itself is.
        submit = functools.partial(self._submit, sending.effort)
        try:
            token = self._credentials.current(submit)
        except ApiError as error:
            if error.reason is None:
                raise
            # Webex answered, if not to this request.
            return Answer(
                status_code=error.status_code,
                body=b"",
                tracking_id=error.tracking_id,
                retry_after=error.retry_after,
                reason=error.reason,
            )
        answer = self._follow(sending, token)
        if answer.status_code == 401:
            try:
                fresh = self._credentials.renew(token, submit)
            except CallHistoryError as error:
                return evolve(answer, reason=_why(error))
            if fresh is not None:
                answer = self._follow(sending, fresh)
        return answer

    def token(self) -> Token:
        """Give the token to use now; see :class:`Credentials`."""
        return self._credentials.current(functools.partial(self._submit, self.effort))

    def renew_token(self, refused: Token) -> Token | None:
        """Give a token in place of one that was refused; see :class:`Credentials`."""
        return self._credentials.renew(refused, functools.partial(self._submit, self.effort))

    def _submit(self, effort: Effort, form: Form) -> Answer:
        """Send a form, without a token."""
        sending = _Sending(
            method="POST",
            url=form.url,
            content=urlencode(form.fields).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            effort=effort,
        )
        return self._send(sending, None)

    def _follow(self, sending: _Sending, token: Token) -> Answer:
        """Send a request, also where Webex redirects it to if that is one of its hosts."""
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._send(sending, token)
            kept = (307, 308) if sending.method != "GET" else (301, 302, 303, 307, 308)
            if answer.status_code not in kept or not answer.location:
                break
            try:
                target = urljoin(sending.url, answer.location)
            except ValueError:
                break
            if self._hosts.objection(target) is not None:
                break
            sending = evolve(sending, url=target, params=None)
        return answer

    def _send(self, sending: _Sending, token: Token | None) -> Answer:
        tracking_id = f"{self._tracking}_{next(self._numbers)}"
        headers = {
            "Accept": "application/json",
            "trackingid": tracking_id,
            "spark-user-agent": f"callhistory/{__version__} (python)",
            "cisco-no-http-redirect": "true",
            **sending.headers,
        }
        host = host_and_port(sending.url)
        session = self._session  # of one that is stopped after this line, nothing more is sent
        if sending.effort.stop.is_set():
            raise TransportError(sending.method, host, "not sent: closed meanwhile")
        problem: CallHistoryError
        handled = sys.exception()
        began = time.monotonic()
        try:
            response = session.request(
                sending.method,
                sending.url,
                params=sending.params,
                data=sending.content,
                headers=headers,
                auth=_without_token if token is None else TokenAuth(token, self._hosts),
                timeout=sending.effort,  # type: ignore[arg-type] # RetryAdapter unpacks it
                verify=self._verify(),
                allow_redirects=False,
            )
        except GaveUp as gave_up:
            problem = no_answer(
                sending.method, host, gave_up.error, tracking_id, attempts=gave_up.attempts
            )
        except (OSError, urllib3.exceptions.HTTPError) as error:
            answered = getattr(error, "response", None)  # a hook of the user's raises for it
            if isinstance(answered, requests.Response):
                return _answer(answered, tracking_id)
            problem = no_answer(sending.method, host, own(error, handled), tracking_id)
        except CallHistoryError as error:
            problem = error
        else:
            took = (time.monotonic() - began) * 1000
            log.debug("%s %s: %d, %.0f ms", sending.method, host, response.status_code, took)
            return _answer(response, tracking_id)
        # Out of the except blocks and without their frames: those hold the request, and the token.
        raise problem.with_traceback(None)

    def _verify(self) -> bool | str | None:
        """Say what the user's session says of certificates; the environment would outrank it."""
        own = self._lender.verify
        return None if own is True else own

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self.effort.stop.is_set()

    def websocket_settings(self, url: str) -> tuple[str | None, ssl.SSLContext | None]:
        """Give the proxy and the TLS settings for a websocket, the same as for HTTP."""
        address = "http" + url.removeprefix("ws")
        verify = self._verify()
        settings = self._session.merge_environment_settings(address, {}, None, verify, None)
        loopback = is_loopback(host_of(url))
        proxy = None if loopback else select_proxy(address, settings["proxies"])
        return proxy, _tls(settings["verify"], settings["cert"]) if url[:4] == "wss:" else None

    def stop(self) -> None:
        """End its waits between two attempts, and the answers that are under way.

        A registration gets another moment: a device nobody has heard of could not be deleted.
        After that nothing is sent but what has an effort of its own.
        """
        self.effort.stop.set()
        if self.registering.acquire(timeout=_LAST_MOMENT):
            self.registering.release()
        stopped, self._session = self._session, _borrow(self._lender, self.effort)
        self._session.cookies = stopped.cookies
        for adapter in stopped.adapters.values():
            if isinstance(adapter, RetryAdapter):
                adapter.interrupt()
        requests.Session.close(stopped)

    def close(self) -> None:
        """Close the connections."""
        # What a session of another class closes besides them is its lender's.
        requests.Session.close(self._session)


def _answer(response: requests.Response, tracking_id: str) -> Answer:
    return Answer(
        status_code=response.status_code,
        body=response.content,
        tracking_id=response.headers.get("trackingid", tracking_id)[:200],
        retry_after=retry_after(response.headers),
        etag=response.headers.get("etag"),
        location=response.headers.get("location"),
    )


def _without_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave a request as it is; without any authentication, requests would look into .netrc."""
    return request


def _why(error: CallHistoryError) -> str:
    """Say why a token was not refreshed, in Webex's own words if there are any."""
    return error.reason if isinstance(error, ApiError) and error.reason else str(error)


def _borrow(session: requests.Session, effort: Effort) -> requests.Session:
    """Make a session with all of another's settings, and our adapters around its own."""
    borrowed = object.__new__(type(session))
    borrowed.__dict__.update(session.__dict__)
    borrowed.adapters = OrderedDict[str, BaseAdapter]()
    for prefix, adapter in session.adapters.items():
        borrowed.mount(prefix, RetryAdapter(adapter, effort))
    borrowed.cookies = RequestsCookieJar()
    borrowed.cookies.update(session.cookies)
    # requests would read a redirect's address, and the body with it, to follow it by its own rules.
    borrowed.__dict__["get_redirect_target"] = lambda _response: None
    return borrowed


def _tls(verify: bool | str | None, cert: str | tuple[str, str] | None) -> ssl.SSLContext:
    """Make the TLS settings that requests would make."""
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
