"""The catalog, UCM lines and metrics, and what all answers have in common."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import pytest
import requests

from callhistory.sandbox import Sandbox
from tests.sandbox.http_client import CATALOG, Http

LIMITED = "/u2c/api/v1/limited/catalog?format=hostmap"


def test_catalog_names_the_services(http: Http) -> None:
    """The catalog has a link for every service that a client needs."""
    catalog = http("GET", CATALOG).json()

    assert catalog["serviceLinks"].keys() >= {
        "hydra",
        "janus",
        "mercury",
        "metrics",
        "ucmgmt-gateway",
        "wdm",
    }
    assert catalog["hostCatalog"] == {}


def test_no_service_link_is_a_prefix_of_another(http: Http) -> None:
    """A client that looks up a service by its address finds exactly one."""
    links = http("GET", CATALOG).json()["serviceLinks"].values()

    assert not [pair for pair in itertools.permutations(links, 2) if pair[0].startswith(pair[1])]


def test_limited_catalog_needs_no_token(http: Http) -> None:
    """The limited catalog needs no token and has the same content."""
    answer = requests.get(http.base + LIMITED, timeout=5)

    assert answer.status_code == 200
    assert answer.json() == http("GET", CATALOG).json()


def test_catalog_must_be_asked_for_as_hostmap(http: Http) -> None:
    """A format other than hostmap is refused."""
    assert http.status("GET", "/u2c/api/v1/catalog") == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CATALOG),
        ("POST", "/wdm/api/v1/devices"),
        ("GET", "/wdm/api/v1/devices"),
        ("GET", "/janus/api/v1/history/userSessions"),
        ("POST", "/janus/api/v1/history/userSessions/setReadState"),
        ("GET", "/nowhere"),
    ],
)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer ", "Basic {}", "{}"])
def test_everything_else_needs_a_token(
    cloud: Sandbox, http: Http, method: str, path: str, authorization: str | None
) -> None:
    """Without a valid bearer token the answer is a 401 with a JSON message."""
    headers = {"Authorization": authorization.format(cloud.access_token)} if authorization else {}

    answer = requests.request(method, http.base + path, headers=headers, timeout=5)

    assert answer.status_code == 401
    assert "token" in answer.json()["message"]


def test_tracking_id_is_echoed(http: Http) -> None:
    """Every answer, including a refusal, carries the tracking id of its request."""
    for path in (CATALOG, "/nowhere"):
        answer = http("GET", path, headers={"trackingid": "probe_1"})
        assert answer.headers["trackingid"] == "probe_1"


def test_tracking_id_is_made_up(http: Http) -> None:
    """An answer carries a tracking id even if its request has none."""
    assert http("GET", CATALOG).headers["trackingid"]


def test_speaks_http_1_1(http: Http) -> None:
    """Answers are HTTP/1.1."""
    assert http("GET", CATALOG).raw.version == 11


def test_deep_body_is_refused(http: Http) -> None:
    """A body that is nested too deep is refused, and is not an internal error."""
    answer = http(
        "POST",
        http.devices,
        data="[" * 100_000,
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400


def test_client_that_goes_in_the_middle_of_its_body_is_no_trouble(
    cloud: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    """A connection that ends early prints nothing, and the next request is answered."""
    port = int(cloud.u2c_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /access_token HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nhalf"
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""

    assert requests.get(f"{cloud.u2c_url}/x", timeout=5).status_code == 401
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "path", ["/janus/api/v1//history/userSessions", "/janus/api/v1/history/userSessions/"]
)
def test_stray_slash_is_not_found(http: Http, path: str) -> None:
    """A double or trailing slash is neither repaired nor redirected."""
    answer = http("GET", path, allow_redirects=False)

    assert answer.status_code == 404
    assert answer.json()["message"]


def test_wrong_method_is_refused(http: Http) -> None:
    """A method that a path does not support is answered with 405 and JSON."""
    answer = http("DELETE", http.history)

    assert answer.status_code == 405
    assert answer.json()["message"]


def test_metrics_are_accepted(http: Http) -> None:
    """Any metric is accepted, even without a token."""
    assert http.status("POST", "/metrics/api/v1/clientmetrics", json={}) == 204
    assert requests.post(f"{http.base}/metrics/api/v1/a/b", timeout=5).status_code == 204


class TestLines:
    """The lines of UCM users."""

    @pytest.fixture
    def cloud(self) -> Iterator[Sandbox]:
        with Sandbox(backend="UCM_CALLING") as running:
            yield running

    def test_lines_match_the_sessions(self, cloud: Sandbox, http: Http) -> None:
        """Most sessions have a directory number that is listed, and one is listed twice."""
        url = f"/ucmgmt/v1/uc/config/people/{cloud.user.id}/lines"
        devices = http("GET", url, params={"orgId": _org_id(cloud)}).json()["devices"]

        listed = [line["dnorpattern"] for device in devices for line in device["lines"]]
        called = [session["self"].get("cucmDN") for session in http.sessions()]
        assert len(listed) > len(set(listed)) > 1
        assert set(listed) < set(called)
        assert None in called

    def test_wrong_organization_is_refused(self, cloud: Sandbox, http: Http) -> None:
        """The organization must be the user's."""
        url = f"/ucmgmt/v1/uc/config/people/{cloud.user.id}/lines"

        assert http.status("GET", url) == 400
        assert http.status("GET", url, params={"orgId": "another"}) == 400

    def test_other_people_have_no_lines(self, cloud: Sandbox, http: Http) -> None:
        """A stranger is not found, and a colleague's lines are not shown."""
        other = cloud.add_user("Wilma Berg")
        asked = {"orgId": _org_id(cloud)}

        people = "/ucmgmt/v1/uc/config/people"
        assert http.status("GET", f"{people}/stranger/lines", params=asked) == 404
        assert http.status("GET", f"{people}/{other.id}/lines", params=asked) == 403


def test_there_are_no_lines_without_ucm(cloud: Sandbox, http: Http) -> None:
    """On another backend the list of phones is empty."""
    url = f"/ucmgmt/v1/uc/config/people/{cloud.user.id}/lines"

    assert http("GET", url, params={"orgId": _org_id(cloud)}).json() == {"devices": []}


def _org_id(cloud: Sandbox) -> str:
    return cloud.access_token.split("_")[2]
