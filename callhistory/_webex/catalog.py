"""The service catalog (U2C): which service is where."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from .._errors import DecodeError
from .._http.trusted_hosts import Hosts
from .._records.strict_json import read_json, type_at

COMMERCIAL_U2C = "https://u2c.wbx2.com/u2c/api/v1"
GOVERNMENT_U2C = "https://u2c.gov.ciscospark.com/u2c/api/v1"


@frozen
class Catalog:
    """The addresses of Webex's services."""

    _links: dict[str, Any]

    def link(self, service: str) -> str:
        """Give the address of a service, without a slash at its end.

        Raises:
            DecodeError: the catalog has none.
        """
        link = self._links.get(service)
        if not isinstance(link, str) or not link:
            raise DecodeError(
                f"serviceLinks.{service}", "an address", type_at(self._links, service)
            )
        return link.rstrip("/")


def read_catalog(body: bytes, hosts: Hosts) -> Catalog:
    """Read the catalog, and let the token go to the hosts it names.

    Raises:
        DecodeError: it is none.
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
