"""Where the token may go, and where it never does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from callhistory import CallHistoryClient, DecodeError, TransportError, Webex
from callhistory._http.trusted_hosts import WEBEX_DOMAINS, Hosts
from callhistory._webex.catalog import COMMERCIAL_U2C
from callhistory.sandbox import Sandbox
from tests.support.wire_server import WireServer, answer

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    """Give another server on this machine, at a port that no catalog names."""
    with Sandbox(sessions=1) as running:
        yield running


# --- the rule ---


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{domain}/path" for domain in WEBEX_DOMAINS),
        *(f"wss://a.b.{domain}/path?query" for domain in WEBEX_DOMAINS),
        "HTTPS://JANUS-A.WBX2.COM/",
        "https://janus.wbx2.com.:8443/",
        "https://example.com/",
        "https://sub.example.com/",
        "https://allowed.example.org/",
        "https://janus.partner.example:8443/",
        "http://127.0.0.1:8080/",
        "http://localhost:8081/",
        "https://[::1]:8082/",
        "http://[::1]:8083/",
    ],
)
def test_token_goes_to_webex_and_to_who_is_named(url: str) -> None:
    """Webex's domains, the catalog's hosts with their ports and the user's domains are trusted."""
    hosts = Hosts(["Example.com", ".allowed.example.org"])
    hosts.trust(
        [
            "https://janus.partner.example:8443/api",
            "http://127.0.0.1:8080",
            "http://localhost:8081",
            "https://[::1]:8082/",
            "http://[::1]:8083/",
        ]
    )

    assert hosts.objection(url) is None


@pytest.mark.parametrize(
    "url",
    [
        # look-alikes
        "https://evilwbx2.com/",
        "https://wbx2.com.evil.example/",
        "https://wbx2.co/",
        "https://wbx2-com.example/",
        "https://com/",
        "https://wbx2.com%2eevil.example/",
        "https://xn--wx2-7ka.com/",
        "https://w\u0431x2.com/",
        "https://evil\u3002wbx2.com/",
        # who is the host?
        "https://wbx2.com@evil.example/",
        "https://user:password@wbx2.com/",
        "https://evil.example\\@wbx2.com/",
        "https://wbx2.com\\.evil.example/",
        "https:\\\\evil.example/.wbx2.com/",
        "https://evil.example#.wbx2.com/",
        "https://evil.example?.wbx2.com/",
        "https://evil.example/.wbx2.com/",
        "https://evil.example/\n.wbx2.com/",
        "https://wbx2.com\t.evil.example/",
        " https://wbx2.com/",
        "https://wbx2.com\x00.evil.example/",
        "https://127.0.0.1.evil.example/",
        # no TLS
        "http://janus-a.wbx2.com/",
        "ws://mercury.wbx2.com/",
        "http://128.0.0.1/",
        "http://127.evil.example/",
        "http://0.0.0.0/",
        "http://localhost.evil.example/",
        # loopback, but nobody said so
        "http://127.0.0.1:9999/",
        "http://127.0.0.2:8080/",
        "http://localhost/",
        "https://[::1]/",
        "https://janus.partner.example/",
        # no address of a service
        "ftp://wbx2.com/",
        "file:///etc/passwd",
        "//wbx2.com/",
        "wbx2.com",
        "https:wbx2.com",
        "https:///wbx2.com",
        "https://",
        "https://wbx2.com:port/",
        "https://wbx2.com:99999/",
        "https://[wbx2.com/",
        "https://[::1",
        "",
    ],
)
def test_token_goes_nowhere_else(url: str) -> None:
    """An address that is not trusted, not protected or not clear is objected to."""
    hosts = Hosts()
    hosts.trust(["https://janus.partner.example:8443/api", "http://127.0.0.1:8080"])

    assert hosts.objection(url)


def test_plaintext_is_objected_to_also_where_it_is_trusted() -> None:
    """Neither a catalog nor a user can make a remote host of plain HTTP trustworthy."""
    hosts = Hosts(["example.com"])
    hosts.trust(["http://janus.example.com/"])

    objection = hosts.objection("http://janus.example.com/")

    assert objection == "is not protected by TLS"


@pytest.mark.parametrize(
    "domain",
    ["", ".", "*.example.com", "https://example.com", "example.com:8443", "example.com/", "a b"],
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    """An allowed domain is a bare name, or the mistake is named."""
    with pytest.raises(ValueError, match=f"allowed_domains: {re.escape(repr(domain))}"):
        Webex(access_token=TOKEN, allowed_domains=[domain])


def test_one_domain_is_not_several() -> None:
    """A single text in place of several domains is a TypeError, not a list of letters."""
    with pytest.raises(TypeError, match="allowed_domains"):
        Webex(access_token=TOKEN, allowed_domains="example.com")


# --- the address of the catalog ---


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


# --- addresses that Webex names ---


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
    "url",
    [
        "https://wdm.evil.example/devices/1",
        "http://wdm-a.wbx2.com/devices/1",
        "https://wdm-a.wbx2.com@evil.example/devices/1",
        "https://wdm-a.wbx2.com/devices/\u20ac",
        "https://wdm-a.wbx2.com/devices/\ud800",
        "https://wdm-a.wbx2.com/devices/1\r\nX-Other: header",
        "no address",
        "",
    ],
)
def test_device_elsewhere_is_refused(cloud: Sandbox, url: str) -> None:
    """A device whose address may not see the token is no answer of Webex; nothing goes there."""
    cloud.fail_next("/devices", body={"url": url})
    client = CallHistoryClient(cloud.webex())

    with pytest.raises(DecodeError, match="url: expected an address of Webex") as caught:
        client.get_call_history_data()

    assert caught.value.path == "url"
    assert cloud.requests_to(HISTORY) == ()


def test_device_at_another_loopback_port_is_refused(cloud: Sandbox, elsewhere: Sandbox) -> None:
    """Another program on this machine is as foreign as another host."""
    url = elsewhere.u2c_url.replace("/u2c/", "/wdm/")
    cloud.fail_next("/devices", body={"url": url})

    with pytest.raises(DecodeError):
        CallHistoryClient(cloud.webex()).get_call_history_data()

    assert elsewhere.requests == ()


# --- redirects ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_elsewhere_is_a_failure_with_its_status(
    cloud: Sandbox, elsewhere: Sandbox, status: int
) -> None:
    """A redirect to where the token may not go is the answer, and not followed."""
    target = f"{elsewhere.u2c_url.removesuffix('/u2c/api/v1')}/janus/api/v1{HISTORY}"
    cloud.fail_next(HISTORY, status=status, headers={"Location": target})

    with CallHistoryClient(cloud.webex()) as client:
        history = client.get_call_history_data()

    assert history.status_code == status
    assert history.message == "FAILURE"
    assert history.data.error == f"{status} Exception has occurred"
    assert len(cloud.requests_to(HISTORY)) == 1
    assert elsewhere.requests == ()


@pytest.mark.parametrize("service", ["/catalog", "/devices"])
def test_redirect_of_the_bootstrap_elsewhere_is_a_failure(
    cloud: Sandbox, elsewhere: Sandbox, service: str
) -> None:
    """Catalog and device registration are not redirected elsewhere either."""
    cloud.fail_next(service, status=307, headers={"Location": elsewhere.u2c_url})

    assert CallHistoryClient(cloud.webex()).get_call_history_data().status_code == 307
    assert elsewhere.requests == ()


@pytest.mark.parametrize(
    "location",
    [
        "https://wbx2.com.evil.example/",
        "http://janus-a.wbx2.com/",
        "//evil.example/",
        "https://[::1",
        "https://[evil/",
        "https://wbx2.com@evil.example/",
        "https://\\evil.example/",
        "ftp://wbx2.com/",
        "https://wbx2.com:99999/",
        "https:",
        "\x01",
        "https://wbx2.com/\u00e9",
        "",
        None,
    ],
)
def test_redirect_nowhere_is_a_failure_with_its_status(
    strict: responses.RequestsMock, location: str | None
) -> None:
    """A redirect to an address that is malformed, or to none, is the answer."""
    janus = "https://janus-a.wbx2.com"
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json=catalog(janus=janus))
    headers = {} if location is None else {"Location": location}
    strict.get(f"{janus}{HISTORY}", status=302, headers=headers)
    webex = Webex(access_token=TOKEN, calling_backend="BROADWORKS_CALLING")

    assert CallHistoryClient(webex).get_call_history_data().status_code == 302


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("relative", [True, False])
def test_redirect_within_webex_is_followed(cloud: Sandbox, status: int, relative: bool) -> None:
    """A fetch goes where Webex sends it, with the token and the query that Webex gave."""
    path = f"/janus/api/v1{HISTORY}?from=2026-01-01T00:00:00.000Z&limit=1"
    base = "" if relative else cloud.u2c_url.removesuffix("/u2c/api/v1")
    cloud.fail_next(HISTORY, status=status, headers={"Location": base + path})

    with CallHistoryClient(cloud.webex()) as client:
        assert client.get_call_history_data().ok

    _, second = cloud.requests_to(HISTORY)
    assert second.query_string == "from=2026-01-01T00:00:00.000Z&limit=1"
    assert second.headers["Authorization"] == f"Bearer {cloud.access_token}"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_write_is_never_made_a_fetch(cloud: Sandbox, status: int) -> None:
    """A redirect that would turn a POST into a GET is returned as a failure instead."""
    client = CallHistoryClient(cloud.webex())
    sessions = client.get_call_history_data()[:1]
    cloud.forget_requests()
    location = f"/janus/api/v1{HISTORY}/markAsDeleted"
    cloud.fail_next("/markAsDeleted", status=status, headers={"Location": location})

    assert client.delete_call_history_records(sessions).status_code == status
    assert [request.method for request in cloud.requests] == ["POST"]
    client.close()


@pytest.mark.parametrize("status", [307, 308])
def test_write_is_redirected_as_it_is(cloud: Sandbox, status: int) -> None:
    """A redirect that keeps the method keeps the body, too."""
    client = CallHistoryClient(cloud.webex())
    sessions = client.get_call_history_data()[:1]
    location = f"/janus/api/v1{HISTORY}/markAsDeleted"
    cloud.fail_next("/markAsDeleted", status=status, headers={"Location": location})

    assert client.delete_call_history_records(sessions).ok

    first, second = cloud.requests_to("/markAsDeleted")
    assert (first.method, first.body) == (second.method, second.body)
    assert second.headers["Content-Type"] == "application/json"
    client.close()


def test_redirects_in_a_circle_end(cloud: Sandbox) -> None:
    """A redirect that leads to itself is followed a few times, and then is the answer."""
    location = f"/janus/api/v1{HISTORY}"
    cloud.fail_next(HISTORY, status=302, headers={"Location": location}, times=50)

    with CallHistoryClient(cloud.webex()) as client:
        assert client.get_call_history_data().status_code == 302

    assert len(cloud.requests_to(HISTORY)) == 6


# --- what else could put itself in the token's place, or carry it away ---


def test_netrc_does_not_win(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A .netrc that knows the host does not take the token's place."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))

    with CallHistoryClient(cloud.webex()) as client:
        assert client.get_call_history_data().ok

    sent = {request.headers["Authorization"] for request in cloud.requests}
    assert sent == {f"Bearer {cloud.access_token}"}


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_loopback_passes_no_proxy_of_the_environment(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What is meant for this machine does not pass a proxy, which would see the token."""
    with WireServer(lambda connection: connection.send(answer())) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with CallHistoryClient(cloud.webex()) as client:
            assert client.get_call_history_data().ok

    assert proxy.requests == []


def test_loopback_passes_no_proxy_of_the_session(cloud: Sandbox) -> None:
    """Nor does it pass a proxy of the caller's session."""
    session = requests.Session()
    with WireServer(lambda connection: connection.send(answer())) as proxy:
        session.proxies["http"] = f"http://127.0.0.1:{proxy.port}"
        with CallHistoryClient(cloud.webex(session=session)) as client:
            assert client.get_call_history_data().ok

    assert proxy.requests == []


@pytest.mark.parametrize("of_environment", [True, False])
def test_proxy_sees_no_token(monkeypatch: pytest.MonkeyPatch, of_environment: bool) -> None:
    """Webex is asked through a proxy that is set, which sees where to, and not the token."""
    session = requests.Session()
    with WireServer(lambda c: c.send(answer(status="407 Proxy Authentication Required"))) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        if of_environment:
            monkeypatch.setenv("HTTPS_PROXY", address)
        else:
            session.proxies["https"] = address
        webex = Webex(access_token=TOKEN, session=session, max_retries=0)
        with pytest.raises(TransportError, match=r"GET u2c\.wbx2\.com: no answer"):
            CallHistoryClient(webex).get_call_history_data()

    (request,) = proxy.requests
    assert request.startswith(b"CONNECT u2c.wbx2.com:443 ")
    assert TOKEN.encode() not in request


def test_authorization_of_the_callers_session_does_not_win(cloud: Sandbox) -> None:
    """The session's own Authorization and credentials give way to the token."""
    session = requests.Session()
    session.headers["Authorization"] = "Basic c29tZWJvZHk6ZWxzZQ=="
    session.auth = ("somebody", "else")

    with CallHistoryClient(cloud.webex(session=session)) as client:
        assert client.get_call_history_data().ok

    sent = {request.headers["Authorization"] for request in cloud.requests}
    assert sent == {f"Bearer {cloud.access_token}"}


def test_body_of_a_refused_address_is_not_held(cloud: Sandbox) -> None:
    """The error of a request that was not sent has no frame with the request in it."""
    cloud.fail_next("/catalog", body=catalog(janus="http://janus.partner.example"))
    client = CallHistoryClient(cloud.webex(calling_backend="WEBEX_CALLING"))

    with pytest.raises(TransportError) as caught:
        client.get_call_history_data()

    frame = caught.tb
    while frame is not None:
        assert not any(
            isinstance(value, (requests.Request, requests.PreparedRequest))
            for value in frame.tb_frame.f_locals.values()
        )
        frame = frame.tb_next  # type: ignore[assignment] # the last one has none
