"""The addresses and timeouts that a user may set."""

from __future__ import annotations

import os
import re

from .._http.token_refresh import TOKEN_URL
from .._http.trusted_hosts import Hosts, host_of, is_loopback, lack_of_protection
from .catalog import COMMERCIAL_U2C, GOVERNMENT_U2C


def read_u2c_url(url: str | None, hosts: Hosts, *, fedramp: bool) -> str:
    """Take the address of the service catalog; of ``None``, what the environment or Webex has.

    Raises:
        TypeError, ValueError: the token must not go there.
    """
    source = "u2c_url"
    if url is None and (url := os.environ.get("U2C_SERVICE_URL", "").strip() or None):
        source = "U2C_SERVICE_URL"
    if url is None:
        url = GOVERNMENT_U2C if fedramp else COMMERCIAL_U2C
    if not isinstance(url, str):
        raise TypeError(f"{source}: expected a text, not {type(url).__name__}")
    if re.search(r"[?#]", url):
        raise ValueError(f"{source}: {url!r} has a query; its paths are put after it")
    if is_loopback(host_of(url)):
        hosts.trust([url])
    objection = hosts.objection(url)
    if objection is not None:
        raise ValueError(f"{source}: {url!r} {objection}")
    return url.rstrip("/")


def read_token_url(url: str | None, *, fedramp: bool) -> str | None:
    """Take the address that tokens are refreshed at; ``None`` when it is not known.

    Whose it is, is for the user to judge: any host may be named.

    Raises:
        TypeError, ValueError: no secret must go there.
    """
    if url is None:
        return None if fedramp else TOKEN_URL
    if not isinstance(url, str):
        raise TypeError(f"token_url: expected a text, not {type(url).__name__}")
    problem = lack_of_protection(url)
    if problem is not None:
        raise ValueError(f"token_url: {problem}")  # it may hold a secret
    return url


def read_timeouts(timeout: float | tuple[float, float]) -> tuple[float, float]:
    """Take the seconds to connect, and for a read.

    Raises:
        TypeError, ValueError: they are none.
    """
    both = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if len(both) != 2:
        raise ValueError(f"timeout: expected seconds, or (connect, read), not {timeout!r}")
    for seconds in both:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError(f"timeout: expected seconds, or (connect, read), not {timeout!r}")
        if not 0 < seconds < 1e6:
            raise ValueError(f"timeout: expected more than 0 seconds, not {timeout!r}")
    return both
