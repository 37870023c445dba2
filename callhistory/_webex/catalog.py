"""The service catalog (U2C): its address, and the addresses of the services."""

from __future__ import annotations

import os
import re
from typing import Any

from attrs import frozen

from .._errors import DecodeError
from .._http.trusted_hosts import TrustedHosts, is_on_this_machine
from .._records.json_types import type_at
from .._records.strict_json import read_json

COMMERCIAL_U2C = "https://u2c.wbx2.com/u2c/api/v1"
GOVERNMENT_U2C = "https://u2c.gov.ciscospark.com/u2c/api/v1"


def read_u2c_url(url: str | None, hosts: TrustedHosts, *, fedramp: bool) -> str:
    """Return the address of the service catalog, without a trailing slash.

    Args:
        url: the address that the user passed; ``None`` for ``U2C_SERVICE_URL`` from the
            environment, or else Webex's own.
        hosts: the hosts that may see the token; a catalog on this machine is added to them.
        fedramp: whether to default to the government cloud.

    Raises:
        TypeError, ValueError: the token must not be sent there.
    """
    source = "u2c_url"
    if url is None and (url := os.environ.get("U2C_SERVICE_URL", "").strip() or None):
        source = "U2C_SERVICE_URL"
    if url is None:
        url = GOVERNMENT_U2C if fedramp else COMMERCIAL_U2C
    if not isinstance(url, str):
        raise TypeError(f"{source}: expected a string, not {type(url).__name__}")
    if re.search(r"[?#]", url):
        raise ValueError(f"{source}: {url!r} has a query; paths are appended to it")
    if is_on_this_machine(url):
        hosts.trust([url])
    objection = hosts.objection(url)
    if objection is not None:
        raise ValueError(f"{source}: {url!r} {objection}")
    return url.rstrip("/")


@frozen(repr=False, eq=False)
class Catalog:
    """The addresses of Webex's services."""

    _links: dict[str, Any]

    def link(self, service: str) -> str:
        """Return the address of a service, without a trailing slash.

        Raises:
            DecodeError: the catalog has no address for it.
        """
        link = self._links.get(service)
        if not isinstance(link, str) or not link:
            raise DecodeError(
                f"serviceLinks.{service}", "an address", type_at(self._links, service)
            )
        return link.rstrip("/")


def read_catalog(body: bytes, hosts: TrustedHosts) -> Catalog:
    """Read the catalog, and trust the hosts that it names.

    Raises:
        DecodeError: the response is not a catalog.
    """
    document = read_json(body)
    links = document.get("serviceLinks") if isinstance(document, dict) else None
    if not isinstance(links, dict):
        raise DecodeError("serviceLinks", "an object", type_at(document, "serviceLinks"))
    hosts.trust(link for link in links.values() if isinstance(link, str))
    names = document.get("hostCatalog")
    if isinstance(names, dict):
        hosts.trust(f"https://{name}" for name in names)
    return Catalog(links)
