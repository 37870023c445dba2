"""The service catalog: where it is, and which of the hosts that it names see the token."""

from __future__ import annotations

import re
from typing import Any

import pytest
import responses

from callhistory import CallHistoryClient, JanusResponseEvent, TransportError, Webex
from callhistory._webex.catalog import COMMERCIAL_U2C, GOVERNMENT_U2C

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"


@pytest.mark.parametrize(
    "url",
    [
        "https://u2c.evil.example/u2c/api/v1",
        "http://u2c.wbx2.com/u2c/api/v1",
        "https://u2c.wbx2.com@evil.example/",
        "u2c.wbx2.com/u2c/api/v1",
        "no address",
    ],
)
def test_catalog_address_is_checked_when_a_webex_is_made(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """An address of the catalog that may not see the token is refused where it is given."""
    with pytest.raises(ValueError, match=r"u2c_url: .* (is no|is not)"):
        Webex(access_token=TOKEN, u2c_url=url)
    monkeypatch.setenv("U2C_SERVICE_URL", url)
    with pytest.raises(ValueError, match=r"U2C_SERVICE_URL: .* (is no|is not)"):
        Webex(access_token=TOKEN)


def test_allowed_domain_may_have_the_catalog(strict: responses.RequestsMock) -> None:
    """With allowed_domains the catalog may be elsewhere, and the token goes there."""
    where = "https://u2c.example.com/u2c/api/v1"
    strict.get(f"{where}/catalog?format=hostmap", status=404)
    webex = Webex(access_token=TOKEN, u2c_url=where, allowed_domains=["example.com"])

    assert CallHistoryClient(webex).get_call_history_data().status_code == 404
    assert strict.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("options", "variable", "url"),
    [
        ({}, None, COMMERCIAL_U2C),
        ({"fedramp": True}, None, GOVERNMENT_U2C),
        ({}, " \n", COMMERCIAL_U2C),
        ({"u2c_url": f"{COMMERCIAL_U2C}//"}, None, COMMERCIAL_U2C),
        ({}, " https://u2c-a.wbx2.com/u2c/api/v1/\n", "https://u2c-a.wbx2.com/u2c/api/v1"),
        (
            {"u2c_url": "https://u2c-b.wbx2.com/"},
            "https://u2c-a.wbx2.com",
            "https://u2c-b.wbx2.com",
        ),
        (
            {"u2c_url": "https://u2c-b.wbx2.com", "fedramp": True},
            None,
            "https://u2c-b.wbx2.com",
        ),
    ],
)
def test_catalog_is_where_it_is_said_to_be(
    strict: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    variable: str | None,
    url: str,
) -> None:
    """The argument wins over the environment, and that over Webex's own clouds."""
    if variable is not None:
        monkeypatch.setenv("U2C_SERVICE_URL", variable)
    strict.get(f"{url}/catalog?format=hostmap", status=404)

    webex = Webex(access_token=TOKEN, **options)

    assert CallHistoryClient(webex).get_call_history_data().status_code == 404
    assert repr(webex) == f"<Webex at {url}>"


# --- what it names ---


def fetched(strict: responses.RequestsMock, catalog: dict[str, Any]) -> JanusResponseEvent:
    """Return the history of a user whose catalog is given; no device is needed."""
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json=catalog)
    webex = Webex(access_token=TOKEN, calling_backend="BROADWORKS_CALLING")
    return CallHistoryClient(webex).get_call_history_data()


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_hosts_of_the_catalog_see_the_token(strict: responses.RequestsMock, slashes: str) -> None:
    """A host that the catalog names is trusted, whatever its domain, at its port.

    The link may end in slashes: two of them in a row would be another address.
    """
    janus = "https://janus.partner.example:8443/janus/api/v1"
    strict.get(re.compile(re.escape(janus + HISTORY) + r"\?.*"), json={"userSessions": []})

    assert fetched(strict, {"serviceLinks": {"janus": janus + slashes}}).ok
    assert strict.calls[1].request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_names_of_the_host_catalog_see_the_token(strict: responses.RequestsMock) -> None:
    """A host that stands in the hostCatalog only may be redirected to."""
    target = f"https://janus.partner.example:8443{HISTORY}"
    strict.get(f"https://janus-a.wbx2.com{HISTORY}", status=302, headers={"Location": target})
    strict.get(target, json={"userSessions": []})
    hosts = {"janus.partner.example:8443": [{"host": "janus.partner.example"}]}
    links = {"janus": "https://janus-a.wbx2.com"}

    assert fetched(strict, {"serviceLinks": links, "hostCatalog": hosts}).ok


@pytest.mark.parametrize("hosts", [{}, {"hostCatalog": {"not a host": [], "[": []}}])
def test_host_catalog_is_not_needed(
    strict: responses.RequestsMock, hosts: dict[str, object]
) -> None:
    """A catalog of links that are no texts, or without hosts, serves for the rest."""
    links = {"janus": "https://janus-a.wbx2.com", "wdm": None, "hydra": 5}
    strict.get(f"https://janus-a.wbx2.com{HISTORY}", json={"userSessions": []})

    assert fetched(strict, {"serviceLinks": links, **hosts}).ok


@pytest.mark.parametrize(
    ("link", "host", "objection"),
    [
        ("http://janus-a.wbx2.com:8080", "janus-a.wbx2.com:8080", "not protected by TLS"),
        ("https://janus@evil.example", "a malformed address", "not the address of a service"),
        ("ftp://janus-a.wbx2.com", "a malformed address", "not the address of a service"),
    ],
)
def test_host_that_may_not_see_the_token_is_sent_nothing(
    strict: responses.RequestsMock, link: str, host: str, objection: str
) -> None:
    """A service that the catalog puts at an address without TLS, or at none, is not asked."""
    with pytest.raises(TransportError, match=f"GET {host}: not sent: .*{objection}") as caught:
        fetched(strict, {"serviceLinks": {"janus": link}})

    assert caught.value.host == host
    assert len(strict.calls) == 1
