"""TODO."""

from __future__ import annotations

import re
from typing import Any

import pytest
import responses

from callhistory import (
    CallHistoryClient,
    TransportError,
    Webex,
)
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


def catalog(**links: Any) -> dict[str, Any]:
    return {"serviceLinks": links, "hostCatalog": {}}


def test_hosts_of_the_catalog_see_the_token(strict: responses.RequestsMock) -> None:
    """A host that the catalog names is trusted, whatever its domain, at its port."""
    janus = "https://janus.partner.example:8443/janus/api/v1"
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json=catalog(janus=janus))
    strict.get(re.compile(re.escape(janus) + r"/history/userSessions\?"), json={"userSessions": []})
    webex = Webex(access_token=TOKEN, calling_backend="BROADWORKS_CALLING")

    assert CallHistoryClient(webex).get_call_history_data().ok
    assert strict.calls[1].request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_names_of_the_host_catalog_see_the_token(strict: responses.RequestsMock) -> None:
    """A host that stands in the hostCatalog only may be redirected to."""
    links = catalog(janus="https://janus-a.wbx2.com")
    links["hostCatalog"] = {"janus.partner.example:8443": [{"host": "janus.partner.example"}]}
    target = f"https://janus.partner.example:8443{HISTORY}"
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json=links)
    strict.get(f"https://janus-a.wbx2.com{HISTORY}", status=302, headers={"Location": target})
    strict.get(target, json={"userSessions": []})
    webex = Webex(access_token=TOKEN, calling_backend="BROADWORKS_CALLING")

    assert CallHistoryClient(webex).get_call_history_data().ok


@pytest.mark.parametrize(
    ("link", "host", "objection"),
    [
        ("http://janus.partner.example/api", "janus.partner.example", "not protected by TLS"),
        ("http://janus-a.wbx2.com:8080", "janus-a.wbx2.com:8080", "not protected by TLS"),
        ("https://janus@evil.example", "a malformed address", "no address of a service"),
        ("ftp://janus-a.wbx2.com", "a malformed address", "no address of a service"),
    ],
)
def test_plaintext_host_of_the_catalog_is_sent_nothing(
    strict: responses.RequestsMock, link: str, host: str, objection: str
) -> None:
    """A service that the catalog puts at an address without TLS is not asked."""
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json=catalog(janus=link))
    webex = Webex(access_token=TOKEN, calling_backend="BROADWORKS_CALLING")

    with pytest.raises(TransportError, match=f"GET {host}: not sent: .*{objection}") as caught:
        CallHistoryClient(webex).get_call_history_data()

    assert caught.value.host == host
    assert len(strict.calls) == 1


@pytest.mark.parametrize(
    ("options", "variable", "url"),
    [
        ({}, None, COMMERCIAL_U2C),
        ({"fedramp": True}, None, GOVERNMENT_U2C),
        ({}, " \n", COMMERCIAL_U2C),
        ({}, "https://u2c-a.wbx2.com/u2c/api/v1", "https://u2c-a.wbx2.com/u2c/api/v1"),
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


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_slashes_at_the_end_of_a_link_do_not_count(
    strict: responses.RequestsMock, slashes: str
) -> None:
    """A service link may end in a slash: two of them in a row would be another address."""
    links = {"janus": f"https://janus-a.wbx2.com/janus/api/v1{slashes}"}
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json={"serviceLinks": links})
    strict.get(
        re.compile(r"https://janus-a\.wbx2\.com/janus/api/v1/history/userSessions\?.*"),
        json={"userSessions": []},
    )
    webex = Webex(access_token=TOKEN, u2c_url=COMMERCIAL_U2C + slashes, calling_backend=BROADWORKS)

    assert CallHistoryClient(webex).get_call_history_data().ok


def test_host_catalog_is_not_needed(strict: responses.RequestsMock) -> None:
    """A catalog of links that are no texts, or without hosts, serves for the rest."""
    links = {"janus": "https://janus-a.wbx2.com", "wdm": None, "hydra": 5}
    strict.get(
        f"{COMMERCIAL_U2C}/catalog?format=hostmap",
        json={"serviceLinks": links, "hostCatalog": {"not a host": [], "[": []}},
    )
    strict.get(f"https://janus-a.wbx2.com{HISTORY}", json={"userSessions": []})
    webex = Webex(access_token=TOKEN, calling_backend=BROADWORKS)

    assert CallHistoryClient(webex).get_call_history_data().ok
