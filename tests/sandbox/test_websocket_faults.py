"""Faults of websockets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidMessage

from callhistory.sandbox import Connection, Sandbox
from tests.sandbox.device_client import RECENT, Device, Line, event_type, session_ids
from tests.sandbox.http_client import Http


def ended(cloud: Sandbox, connection: Connection) -> Connection:
    cloud.wait_until(lambda: connection.closed_at)
    return connection


class TestOpenConnections:
    """Faults of the connections that are open."""

    @pytest.mark.parametrize("code", [1000, 1001, 3000, 4999, 1005, 1006])
    @pytest.mark.parametrize("reason", ["", "é" * 61])
    def test_close(self, cloud: Sandbox, line: Line, code: int, reason: str) -> None:
        """Connections end with any code and reason; 1005 means no code, and 1006 no frame."""
        reason = "" if code in (1005, 1006) else reason
        cloud.close_connections(code, reason)

        assert line.ending() == (code, reason)
        connection = ended(cloud, cloud.connections[0])
        assert (connection.close_code, connection.close_reason) == (code, reason)
        assert connection.closed_by == "sandbox"

    @pytest.mark.parametrize("code", [0, 999, 1004, 1015, 2000, 5000, 65535])
    def test_close_with_a_code_that_must_not_be_sent(
        self, cloud: Sandbox, line: Line, code: int
    ) -> None:
        """Codes that violate the protocol can be sent; the client answers with 1002."""
        cloud.close_connections(code, "odd")

        line.ending()
        connection = ended(cloud, cloud.connections[0])
        assert (connection.close_code, connection.close_reason) == (code, "odd")
        assert line.websocket.protocol.close_sent
        assert line.websocket.protocol.close_sent.code == 1002

    @pytest.mark.parametrize(
        ("code", "reason"), [(-1, ""), (65536, ""), (1000, "é" * 62), (1005, "x"), (1006, "x")]
    )
    def test_impossible_close_is_refused(
        self, cloud: Sandbox, line: Line, code: int, reason: str
    ) -> None:
        """A close frame that is impossible raises a ValueError, and nothing is closed."""
        with pytest.raises(ValueError, match="must be"):
            cloud.close_connections(code, reason)

        assert line.ping()["type"] == "pong"

    def test_replace(self, cloud: Sandbox, line: Line) -> None:
        """Connections are closed as if the device had got another one."""
        cloud.replace_connections()

        assert line.ending() == (4000, "replaced")

    def test_drop(self, cloud: Sandbox, line: Line) -> None:
        """Connections end with a TCP reset, and not with a close frame."""
        cloud.drop_connections()

        with pytest.raises(ConnectionClosed) as end:
            line.hear()
        assert end.value.rcvd is None
        assert isinstance(end.value.__cause__, ConnectionResetError)
        connection = ended(cloud, cloud.connections[0])
        assert (connection.close_code, connection.closed_by) == (1006, "sandbox")

    @pytest.mark.parametrize(
        "interfere",
        [
            lambda cloud, connection: cloud.close_connections(4999, connection=connection),
            lambda cloud, connection: cloud.replace_connections(connection=connection),
            lambda cloud, connection: cloud.drop_connections(connection=connection),
        ],
    )
    def test_one_connection(
        self, cloud: Sandbox, line: Line, interfere: Callable[[Sandbox, Connection], None]
    ) -> None:
        """A fault can be limited to one connection."""
        with Device(cloud).connected() as other:
            interfere(cloud, cloud.connections[0])

            line.ending()
            assert other.ping()["type"] == "pong"

    def test_silence(self, cloud: Sandbox, line: Line) -> None:
        """A silent connection stays open and sends nothing, but records what it receives."""
        cloud.go_silent()
        line.say({"id": "probe", "type": "ping"})
        cloud.place_call()
        line.websocket.ping()
        cloud.wait_for_frames("ping")

        with pytest.raises(TimeoutError):
            line.hear(timeout=0.05)
        assert cloud.connections[0].is_open
        assert cloud.frames_of(RECENT) == ()

    def test_speaking_again(self, cloud: Sandbox, line: Line) -> None:
        """After the silence pings are answered, and a gap in the numbers shows the loss."""
        cloud.go_silent()
        cloud.place_call()
        cloud.speak_again()

        assert line.ping()["type"] == "pong"
        cloud.place_call()
        assert line.hear()["sequenceNumber"] == 3

    def test_silence_does_not_answer_a_close(self, cloud: Sandbox, device: Device) -> None:
        """A client that closes a silent connection gets no answer, until it speaks again."""
        with device.connected() as line:
            cloud.go_silent()
            began = time.monotonic()
            line.websocket.close(1000, "done")

            assert time.monotonic() - began >= 0.1
        connection = ended(cloud, cloud.connections[0])
        assert (connection.close_code, connection.closed_by) == (1000, "client")

    def test_silence_ends_with_a_close(self, cloud: Sandbox, line: Line) -> None:
        """A silent connection can be closed."""
        cloud.go_silent()
        cloud.close_connections(1011)

        assert line.ending()[0] == 1011

    def test_slow_connection(self, cloud: Sandbox, line: Line) -> None:
        """Over a slow connection a frame arrives whole, after the pauses between its pieces."""
        cloud.slow_down(0.002)
        began = time.monotonic()
        content = bytes(range(256)) * 3
        cloud.send_frame(content)

        assert line.websocket.recv(5) == content
        assert time.monotonic() - began >= 0.01

    def test_next_connection_is_not_silent(self, cloud: Sandbox, device: Device) -> None:
        """Silence affects only the connections that are open."""
        with device.connected():
            cloud.go_silent()
            with device.connected() as newer:
                assert newer.ping()["type"] == "pong"

    @pytest.mark.parametrize(
        ("frame", "received"),
        [
            ("not json", "not json"),
            ("[" * 5000, "[" * 5000),
            (b"\x00\xff", b"\x00\xff"),
            ({"id": "x", "data": None}, '{"id": "x", "data": null}'),
            (None, "null"),
            ("", ""),
        ],
    )
    def test_frames_are_sent_as_they_are(
        self, cloud: Sandbox, line: Line, frame: object, received: str | bytes
    ) -> None:
        """Text, bytes and JSON of any content can be sent."""
        cloud.send_frame(frame)

        assert line.websocket.recv(5) == received
        assert cloud.frames_of(direction="sent")[-1].content == received

    def test_text_need_not_be_text(self, cloud: Sandbox, line: Line) -> None:
        """Bytes can be sent as a text frame, even if they are not text."""
        cloud.send_frame(b"\xff", as_text=True)

        with suppress(ConnectionClosed, UnicodeDecodeError):
            line.websocket.recv(5)
        line.ending()
        assert ended(cloud, cloud.connections[0]).close_code == 1007

    def test_frames_are_sent_before_readiness(self, cloud: Sandbox, device: Device) -> None:
        """A frame is also sent over connections that are not ready."""
        with device.open() as line:
            cloud.send_frame("early")

            assert line.websocket.recv(5) == "early"


class TestShutdown:
    """The notice that the server is about to go away."""

    def test_old_connection_stays_until_there_is_another(
        self, cloud: Sandbox, device: Device, line: Line
    ) -> None:
        """The old connection gets events until the new one is ready, and is closed after it."""
        cloud.announce_shutdown(linger=0.05)
        notice = line.hear()
        assert notice.keys() == {"id", "type"}
        assert notice["type"] == "shutdown"
        before = cloud.place_call()
        assert session_ids(line.hear_event()) == [before.session_id]
        cloud.wait_for_frames("ack", count=2)
        with device.connected() as newer:
            assert line.ping()["type"] == "pong"
            after = cloud.place_call()

            assert session_ids(newer.hear_event()) == [after.session_id]
            assert line.ending() == (4000, "replaced")
            assert newer.ping()["type"] == "pong"

    def test_code_can_be_chosen(self, cloud: Sandbox, device: Device, line: Line) -> None:
        """The old connection is closed with the given code and reason."""
        cloud.announce_shutdown(linger=0, code=4001, reason="replaced during shutdown")
        with device.connected():
            line.hear()

            assert line.ending() == (4001, "replaced during shutdown")

    def test_server_goes_away(self, cloud: Sandbox, line: Line) -> None:
        """The connection of a device that opens no new one is closed with 1001."""
        cloud.announce_shutdown(at_latest=0.05)
        line.hear()

        assert line.ending()[0] == 1001


class TestOutage:
    """When nobody can connect."""

    def test_connections_are_dropped_and_refused(
        self, cloud: Sandbox, device: Device, line: Line
    ) -> None:
        """During an outage upgrades are answered with 503; afterwards they are accepted."""
        with cloud.outage():
            assert line.ending()[0] == 1006
            assert device.refusal().status_code == 503
        device.connect()

        assert [attempt.status for attempt in cloud.attempts] == [101, 503, 101]

    def test_calls_land_in_the_history_only(self, cloud: Sandbox, device: Device) -> None:
        """During an outage HTTP works, and calls are announced to nobody, then or later."""
        with Http(cloud) as http, device.connected() as line:
            with cloud.outage():
                line.ending()
                placed = cloud.place_call()
                assert http.sessions()[0]["id"] == placed.id
            with device.connected() as newer:
                assert newer.ping()["type"] == "pong"

    def test_goes_on_when_faults_are_cleared(self, cloud: Sandbox, device: Device) -> None:
        """An outage is not a scripted fault, and ends only with go_online()."""
        cloud.go_offline()
        cloud.clear_faults()
        assert device.refusal().status_code == 503
        cloud.go_online()
        device.connect()


class TestUpgrades:
    """Faults of the next upgrades."""

    @pytest.mark.parametrize(
        ("script", "status", "headers"),
        [
            ({"status": 500}, 500, {}),
            ({"retry_after": 7}, 429, {"Retry-After": "7"}),
            ({"status": 302, "headers": {"Location": "ws://a.b/"}}, 302, {"Location": "ws://a.b/"}),
        ],
        ids=str,
    )
    def test_refusal(
        self,
        cloud: Sandbox,
        device: Device,
        script: dict[str, Any],
        status: int,
        headers: dict[str, str],
    ) -> None:
        """A number of upgrades is answered as scripted; a Retry-After alone implies status 429."""
        cloud.fail_upgrades(**script, times=2)
        url = device.websocket_url.replace("ws:", "http:")
        for _ in range(2):
            answer = requests.get(url, allow_redirects=False, timeout=5)
            assert answer.status_code == status
            assert headers.items() <= answer.headers.items()
        device.connect()

        assert [attempt.status for attempt in cloud.attempts] == [status, status, 101]

    def test_headers(self, cloud: Sandbox, device: Device) -> None:
        """With headers alone, the upgrade is accepted, and its answer has them."""
        cloud.fail_upgrades(headers={"Probe": "x"})
        with device.connected() as line:
            assert line.websocket.response
            assert line.websocket.response.headers["Probe"] == "x"

    def test_reset(self, cloud: Sandbox, device: Device) -> None:
        """The connection is reset instead of an answer."""
        cloud.fail_upgrades(reset=True)
        with pytest.raises((InvalidMessage, ConnectionResetError)), device.open():
            pass
        (attempt,) = cloud.attempts

        assert ended(cloud, attempt).status is None
        assert not attempt.is_open

    def test_delay(self, cloud: Sandbox, device: Device) -> None:
        """A delayed upgrade is answered after the delay."""
        cloud.fail_upgrades(delay=0.05)
        with device.connected():
            (connection,) = cloud.connections

        assert connection.ready_at
        assert connection.ready_at - connection.opened_at >= 0.05

    def test_http_is_not_meant(self, cloud: Sandbox) -> None:
        """Faults of upgrades do not apply to other requests."""
        cloud.fail_upgrades(status=500)
        with Http(cloud) as http:
            assert http.status("GET", http.devices) == 200


class TestReadiness:
    """Faults between the upgrade and readiness."""

    def test_refused_authorization(self, cloud: Sandbox, device: Device) -> None:
        """A number of authorizations is refused, whatever their token."""
        cloud.fail_authorizations(times=2)
        cloud.fail_authorizations(1008, "authentication failed")
        endings = []
        for _ in range(3):
            with device.open() as line:
                line.authorize()
                endings.append(line.ending())
        device.connect()

        assert endings == [(4401, "not authorized")] * 2 + [(1008, "authentication failed")]

    def test_delay(self, cloud: Sandbox, device: Device) -> None:
        """Readiness is delayed, and pings are answered in the meantime."""
        cloud.delay_readiness(math.inf)
        cloud.delay_readiness(0.02)
        with device.open() as line:
            line.authorize()
            assert line.ping()["type"] == "pong"
            with pytest.raises(TimeoutError):
                line.hear(timeout=0.05)
        device.connect()

        assert [bool(connection.ready_at) for connection in cloud.connections] == [False, True]

    def test_prelude(self, cloud: Sandbox, device: Device) -> None:
        """An event can come before readiness, in an envelope like any other."""
        cloud.precede_readiness({"eventType": "locus.difference"})
        with device.open() as line:
            line.authorize()
            early, ready = line.hear(), line.hear()

        assert event_type(early) == "locus.difference"
        assert early["id"]
        assert event_type(ready) == "mercury.buffer_state"
        assert [early["sequenceNumber"], ready["sequenceNumber"]] == [1, 2]
        with device.connected() as line:
            assert line.hear()["id"] == early["id"]  # it was not acknowledged

    @pytest.mark.parametrize("after", ["upgrade", "readiness"])
    def test_accept_and_drop(self, cloud: Sandbox, device: Device, after: Any) -> None:
        """Every connection ends at once without a close frame, until the faults are cleared."""
        cloud.drop_at_once(after=after)
        for _ in range(3):
            with device.open() as line:
                with suppress(ConnectionClosed):
                    line.authorize()
                assert line.ending()[0] == 1006
        cloud.clear_faults()
        device.connect()

        assert len(cloud.attempts) == 4
        assert len(cloud.frames_of("mercury.buffer_state")) == (4 if after == "readiness" else 1)

    def test_accept_and_close(self, cloud: Sandbox, device: Device) -> None:
        """A number of connections is closed with a code as soon as they are ready."""
        cloud.drop_at_once(code=1012, reason="restart", times=1)
        with device.open() as line:
            line.authorize()
            assert line.ending() == (1012, "restart")
        with device.connected() as line:
            assert line.ping()["type"] == "pong"

    def test_cleared_faults_do_not_happen(self, cloud: Sandbox, device: Device) -> None:
        """Faults that were cleared do not happen."""
        cloud.fail_upgrades(status=500)
        cloud.fail_authorizations()
        cloud.delay_readiness(math.inf)
        cloud.precede_readiness({"eventType": "locus.difference"})
        cloud.drop_at_once(after="upgrade")
        cloud.drop_at_once()

        cloud.clear_faults()

        with device.connected() as line:
            assert line.ping()["type"] == "pong"


@pytest.mark.parametrize(
    "script",
    [
        lambda cloud: cloud.fail_upgrades(status=101),
        lambda cloud: cloud.fail_upgrades(times=0),
        lambda cloud: cloud.fail_authorizations(-1),
        lambda cloud: cloud.fail_authorizations(times=0),
        lambda cloud: cloud.delay_readiness(-1),
        lambda cloud: cloud.delay_readiness(math.nan),
        lambda cloud: cloud.slow_down(-1),
        lambda cloud: cloud.precede_readiness({}, times=0),
        lambda cloud: cloud.drop_at_once(after="later"),
        lambda cloud: cloud.drop_at_once(code=70_000),
        lambda cloud: cloud.announce_shutdown(code=70_000),
    ],
)
def test_wrong_fault_is_refused(
    cloud: Sandbox, device: Device, script: Callable[[Sandbox], None]
) -> None:
    """A fault that makes no sense is refused when it is scripted."""
    with pytest.raises(ValueError, match="must be"):
        script(cloud)
    with device.connected() as line:
        assert line.ping()["type"] == "pong"


def test_event_must_be_json(cloud: Sandbox) -> None:
    """An event that cannot be written is refused when it is scripted."""
    with pytest.raises(TypeError, match="JSON"):
        cloud.precede_readiness({"eventType": object()})
