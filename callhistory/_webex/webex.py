"""The user, as a program names one: a token and the settings of its requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

import requests

from .._arguments import member, seconds_to_connect_and_read, whole_number
from .._http.retry import RetryPolicy
from .._http.token_refresh import TokenGrant, read_token_url
from .._http.token_source import TokenFunction, token_source
from .._http.trusted_hosts import TrustedHosts
from .._limits import USUAL, Limits
from .._public import public
from .._records.enums import CallingBackend
from .._redaction import without_frames
from .account import Account
from .catalog import read_u2c_url


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
