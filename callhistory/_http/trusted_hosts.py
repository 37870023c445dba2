"""The hosts that may see the token, and the authentication that sends it to no other."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable

import requests
from requests.auth import AuthBase
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from .._errors import TransportError

WEBEX_DOMAINS = (
    "wbx2.com",
    "ciscospark.com",
    "webex.com",
    "webexapis.com",
    "broadcloudpbx.com",
    "broadcloud.eu",
    "broadcloud.com.au",
    "broadcloudpbx.net",
)
_USUAL_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


class TrustedHosts:
    """The hosts that may see the token: in Webex's domains, the catalog, or the user's domains.

    Args:
        allowed_domains: the user's domains; their sub-domains are included.

    Raises:
        TypeError, ValueError: ``allowed_domains`` is not an iterable of domains.
    """

    def __init__(self, allowed_domains: Iterable[str] = ()) -> None:
        if isinstance(allowed_domains, str) or not isinstance(allowed_domains, Iterable):
            kind = type(allowed_domains).__name__
            raise TypeError(f"allowed_domains: expected several domains, not one {kind}")
        domains = [_domain(domain) for domain in allowed_domains]
        self._domains = frozenset((*WEBEX_DOMAINS, *domains))
        self._addresses: frozenset[tuple[str, int]] = frozenset()

    def trust(self, urls: Iterable[str]) -> None:
        """Trust the host and port of each of these addresses."""
        self._addresses |= {address for url in urls if (address := _address(url))}

    def objection(self, url: str) -> str | None:
        """Return the objection to sending the token to an address, as a predicate, or ``None``."""
        problem = lack_of_protection(url)
        address = _address(url)
        if problem is not None or address is None:
            return problem
        host, port = address
        if (host, port) in self._addresses:
            return None
        labels = host.split(".")
        if not self._domains.isdisjoint(".".join(labels[n:]) for n in range(len(labels))):
            return None
        return "is not one of Webex's hosts (name its domain in allowed_domains if it is yours)"


def _domain(text: object) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise ValueError(f"allowed_domains: {text!r} is not a domain, such as example.com")
    return text.lstrip(".").lower()


def _address(url: str) -> tuple[str, int] | None:
    """Return the host and port of an address as the HTTP library reads them, or ``None``.

    ``None`` is for a malformed address, or one that two libraries could read differently.
    """
    if not re.fullmatch(r"[!-\[\]-~]+", url):  # ASCII without white space and backslashes
        return None
    authority = re.match(r"[^/?#]+://[^/?#]*", url)
    if authority is None or "@" in authority[0]:  # a password is not remembered, nor is it allowed
        return None
    return _read_authority(authority[0])


@functools.lru_cache(maxsize=64)  # a request asks four times about the same few hosts
def _read_authority(url: str) -> tuple[str, int] | None:
    try:
        parsed = parse_url(url)
    except LocationParseError:
        return None
    if parsed.scheme not in _USUAL_PORTS or not parsed.host or parsed.auth is not None:
        return None
    host = parsed.host.lower().strip("[]").rstrip(".")
    return host, parsed.port or _USUAL_PORTS[parsed.scheme]


def host_and_port(url: str) -> str:
    """Return the host of an address for a message, with its port unless it is the usual one."""
    address = _address(url)
    if address is None:
        return "a malformed address"
    host, port = address
    return host if port in (80, 443) else f"{host}:{port}"


def is_on_this_machine(url: str) -> bool:
    """Return whether an address is on loopback; a malformed address is not."""
    address = _address(url)
    return address is not None and _is_loopback(address[0])


def lack_of_protection(url: str) -> str | None:
    """Return the objection to sending any secret to an address, as a predicate, or ``None``."""
    address = _address(url)
    if address is None:
        return "is not the address of a service"
    if not url.lower().startswith(("https:", "wss:")) and not _is_loopback(address[0]):
        return "is not protected by TLS"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class TokenAuth(AuthBase):
    """The authentication of a request: the token, if the request goes to a trusted host.

    Args:
        token: the access token.
        hosts: the hosts that it may be sent to.
    """

    def __init__(self, token: str, hosts: TrustedHosts) -> None:
        self._token = token
        self._hosts = hosts

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request.

        Raises:
            TransportError: its address must not see the token. Nothing was sent.
        """
        url = request.url or ""
        objection = self._hosts.objection(url)
        if objection is not None:
            raise TransportError(request.method or "", host_and_port(url), f"not sent: {objection}")
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
