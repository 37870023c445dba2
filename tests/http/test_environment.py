"""Proxies, certificates and .netrc: what the environment says, for HTTP and for live events."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from callhistory import CallHistoryClient, TransportError, Webex
from callhistory.sandbox import Sandbox
from tests.support.distant_webex import CERTIFICATE, DistantWebex
from tests.support.listening_clients import failure_of_listen
from tests.support.wire_server import WireServer, answer

TOKEN = "sEcReT"
HOSTS = ["u2c.wbx2.com", "wdm-a.wbx2.com", "janus-a.wbx2.com", "mercury-a.wbx2.com"]


@pytest.fixture
def distant() -> Iterator[DistantWebex]:
    """Return a running Webex at its real addresses, behind a proxy."""
    with DistantWebex() as running:
        yield running


def client_of_webex(session: requests.Session | None = None) -> CallHistoryClient:
    return CallHistoryClient(Webex(access_token=TOKEN, session=session, max_retries=0))


def expect_both_to_work(distant: DistantWebex, client: CallHistoryClient) -> None:
    """Fetch, listen and close; the proxy sees the hosts only, and Webex alone sees the token."""
    with client:
        assert len(client.get_call_history_data()) == 1
        client.listen()
        assert client.listening
    assert set(distant.tunnels) == set(HOSTS)
    assert set(distant.heard) == {(host, f"Bearer {TOKEN}") for host in HOSTS}
    assert TOKEN.encode() not in distant.seen_by_proxy


@pytest.mark.parametrize("proxy", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("bundle", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_proxy_and_certificates_of_the_environment(
    distant: DistantWebex, monkeypatch: pytest.MonkeyPatch, proxy: str, bundle: str
) -> None:
    """Behind a company's proxy, with its own authority, two variables are all that is needed."""
    monkeypatch.setenv(proxy, distant.proxy)
    monkeypatch.setenv(bundle, str(CERTIFICATE))

    expect_both_to_work(distant, client_of_webex())


def test_proxy_and_certificates_of_a_session(distant: DistantWebex) -> None:
    """The same two things may be said of a session, and need no environment."""
    session = requests.Session()
    session.proxies["https"] = distant.proxy
    session.verify = str(CERTIFICATE)

    expect_both_to_work(distant, client_of_webex(session))


def test_token_is_not_shown_to_a_proxy_that_pretends_to_be_webex(
    distant: DistantWebex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the bundle, a proxy that answers in the place of Webex gets no request."""
    monkeypatch.setenv("HTTPS_PROXY", distant.proxy)

    with client_of_webex() as client:
        with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get_call_history_data()
        error = failure_of_listen(client, 0.5)

    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert set(distant.tunnels) == {"u2c.wbx2.com"}
    assert distant.heard == []


def test_no_proxy_leaves_the_proxy_out(
    distant: DistantWebex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that NO_PROXY names is asked directly, or not at all."""
    asked: list[str] = []

    def refuse(host: str, *_args: object, **_options: object) -> None:
        asked.append(host)
        raise OSError("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HTTPS_PROXY", distant.proxy)
    monkeypatch.setenv("NO_PROXY", "wbx2.com")

    with client_of_webex() as client, pytest.raises(TransportError, match="no such host"):
        client.get_call_history_data()

    assert asked == ["u2c.wbx2.com"]
    assert distant.tunnels == []


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


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", None])
def test_loopback_passes_no_proxy(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    """What is meant for this machine passes no proxy, of the environment or of the session."""
    session = requests.Session()
    with WireServer(lambda connection: connection.send(answer())) as proxy:
        if name is None:
            session.proxies["http"] = f"http://127.0.0.1:{proxy.port}"
        else:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with cloud.webex(session=session) as webex, CallHistoryClient(webex) as client:
            assert client.get_call_history_data().ok

    assert proxy.requests == []
