"""The protocol of live events as a table: frames in, frames and decisions out, time passed in."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from callhistory._limits import USUAL
from callhistory._live.protocol import (
    Dead,
    Deliver,
    FramesLost,
    GoingAway,
    Malformed,
    Mercury,
    Output,
    Ready,
    Send,
)

BEGIN = 1000.0
READINESS = ["mercury.buffer_state", "mercury.registration_status"]


def a_mercury() -> Mercury:
    numbers = itertools.count(1)
    return Mercury(BEGIN, USUAL, lambda: f"own-{next(numbers)}")


def an_envelope(event_type: str = "janus.user_recent_sessions", **changes: Any) -> dict[str, Any]:
    return {"id": "envelope-1", "data": {"eventType": event_type}} | changes


def readiness(event_type: str = READINESS[0], **changes: Any) -> str:
    return json.dumps(an_envelope(event_type, **changes))


def a_ready_mercury() -> tuple[Mercury, str]:
    """Return a connection that was accepted at BEGIN, and the id of its first ping."""
    mercury = a_mercury()
    (ping,) = pings(mercury.receive(readiness(), BEGIN))
    return mercury, ping


def sent(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


def pings(outputs: list[Output]) -> list[str]:
    return [frame["id"] for frame in sent(outputs) if frame.get("type") == "ping"]


def acks(outputs: list[Output]) -> list[Any]:
    return [frame["messageId"] for frame in sent(outputs) if frame.get("type") == "ack"]


def kinds(outputs: list[Output]) -> list[type[Output]]:
    return [type(output) for output in outputs]


def pong(identifier: Any, **changes: Any) -> str:
    return json.dumps({"id": identifier, "type": "pong"} | changes)


def test_times_are_those_of_the_protocol() -> None:
    """A ping follows a pong after 15 s; its own pong may take 14 s."""
    assert (USUAL.ping_interval, USUAL.pong_timeout) == (15.0, 14.0)


def test_first_frame_holds_the_token() -> None:
    """The authorization has an id, its type, the token as a bearer, and a tracking id."""
    frame = json.loads(a_mercury().authorize('se"cret'))

    assert frame == {
        "id": "own-1",
        "type": "authorization",
        "data": {"token": 'Bearer se"cret'},
        "trackingId": "callhistory_own-2",
    }


def test_frame_does_not_show_its_content() -> None:
    """The repr of a frame to send, and of an envelope, has nothing of its content."""
    assert "Ada" not in repr([Send("Ada"), Deliver({"name": "Ada"})])


@pytest.mark.parametrize("event_type", READINESS)
def test_readiness(event_type: str) -> None:
    """Either event type makes the connection ready: it is acknowledged, and a ping follows."""
    mercury = a_mercury()

    outputs = mercury.receive(readiness(event_type), BEGIN + 3)

    assert kinds(outputs) == [Ready, Deliver, Send, Send]
    assert sent(outputs) == [
        {"messageId": "envelope-1", "type": "ack"},
        {"id": "own-1", "type": "ping"},
    ]
    assert mercury.due == BEGIN + 3 + USUAL.pong_timeout


def test_readiness_comes_once() -> None:
    """Readiness that comes again, by either event, is acknowledged and has no other effect."""
    mercury, _ = a_ready_mercury()

    for event_type in READINESS:
        outputs = mercury.receive(readiness(event_type, id="again"), BEGIN + 5)

        assert kinds(outputs) == [Deliver, Send]
        assert acks(outputs) == ["again"]
    assert mercury.due == BEGIN + USUAL.pong_timeout


def test_no_readiness() -> None:
    """Without readiness in time, and not before, the connection is dead, whatever else came."""
    mercury = a_mercury()
    mercury.receive(json.dumps(an_envelope()), BEGIN + 1)

    assert mercury.tick(BEGIN + USUAL.ready_timeout - 0.001) == []
    assert mercury.tick(BEGIN + USUAL.ready_timeout) == [
        Dead("Webex did not accept the connection within 20 s")
    ]


def test_pings_follow_pongs() -> None:
    """Each ping goes out 15 s after the pong to the one before, and has an id of its own."""
    mercury, ping = a_ready_mercury()
    now, seen = BEGIN, {ping}

    for _ in range(3):
        now += 2
        assert mercury.receive(pong(ping), now) == []
        assert mercury.due == now + USUAL.ping_interval
        assert mercury.tick(now + USUAL.ping_interval - 0.001) == []
        now += USUAL.ping_interval
        (ping,) = pings(mercury.tick(now))
        assert mercury.due == now + USUAL.pong_timeout
        assert ping not in seen
        seen.add(ping)


def test_no_pong() -> None:
    """A connection with a ping that has no pong after 14 s is dead, whatever else came."""
    mercury, _ = a_ready_mercury()
    mercury.receive(json.dumps(an_envelope()), BEGIN + 13)

    assert mercury.tick(BEGIN + 13.999) == []
    assert mercury.tick(BEGIN + 14) == [Dead("no pong within 14 s")]


@pytest.mark.parametrize("other", ["own-0", 1, None, []])
def test_pong_with_another_id(other: Any) -> None:
    """A pong that answers none of our pings does not count."""
    mercury, _ = a_ready_mercury()

    assert mercury.receive(pong(other), BEGIN + 1) == []

    assert kinds(mercury.tick(BEGIN + USUAL.pong_timeout)) == [Dead]


def test_unsolicited_pong() -> None:
    """A pong before readiness, or a second one to the same ping, changes nothing."""
    early = a_mercury()
    assert early.receive(pong(None), BEGIN + 5) == []
    assert early.due == BEGIN + USUAL.ready_timeout

    mercury, ping = a_ready_mercury()
    mercury.receive(pong(ping), BEGIN + 1)
    assert mercury.receive(pong(ping), BEGIN + 9) == []
    assert mercury.due == BEGIN + 1 + USUAL.ping_interval


@pytest.mark.parametrize("pinged", [False, True], ids=["ping sent", "pong received"])
def test_doubt(pinged: bool) -> None:
    """After a sleep the connection has 4 s to answer a ping, which is sent unless one is out."""
    mercury, ping = a_ready_mercury()
    if pinged:
        mercury.receive(pong(ping), BEGIN + 1)

    sent_pings = pings(mercury.doubt(BEGIN + 2))

    assert len(sent_pings) == pinged
    assert mercury.due == BEGIN + 2 + USUAL.doubt_timeout
    assert mercury.tick(mercury.due) == [Dead("no pong within 4 s")]


def test_doubt_that_is_answered() -> None:
    """A pong ends the doubt: the next ping has the usual time again."""
    mercury, ping = a_ready_mercury()
    mercury.doubt(BEGIN + 2)
    mercury.receive(pong(ping), BEGIN + 3)
    mercury.tick(BEGIN + 3 + USUAL.ping_interval)

    assert mercury.due == BEGIN + 3 + USUAL.ping_interval + USUAL.pong_timeout


def test_doubt_before_readiness() -> None:
    """Before readiness there is nothing to ask."""
    mercury = a_mercury()

    assert mercury.doubt(BEGIN + 2) == []
    assert mercury.due == BEGIN + USUAL.ready_timeout


def test_confirmed_is_when_the_answered_ping_was_sent() -> None:
    """All frames before a ping have come when its pong has: that moment counts, not the pong's."""
    mercury, ping = a_ready_mercury()
    assert mercury.confirmed is None
    mercury.receive(pong(ping), BEGIN + 9)

    assert mercury.confirmed == BEGIN


@pytest.mark.parametrize(
    "identifier", ["1", "", "\ud800", 0, -1, 10**4000], ids=lambda i: repr(i)[:9]
)
@pytest.mark.parametrize(
    "rest",
    [
        {"data": {"eventType": "janus.user_recent_sessions"}},
        {"data": {"eventType": 7}},
        {"data": None},
        {},
        {"type": "shutdown"},
        {"type": ["pong"], "data": {}},
        {"data": {"headers": "none"}},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("ready", [False, True])
def test_every_envelope_with_an_id_is_acknowledged(
    identifier: Any, rest: dict[str, Any], ready: bool
) -> None:
    """A text or a whole number as the id is acknowledged once, whatever else is there."""
    mercury = a_ready_mercury()[0] if ready else a_mercury()

    outputs = mercury.receive(json.dumps({"id": identifier} | rest), BEGIN)

    assert sent(outputs) == [{"messageId": identifier, "type": "ack"}]


@pytest.mark.parametrize("identifier", [None, True, 1.5, ["1"]])
def test_invalid_id_is_not_acknowledged(identifier: Any) -> None:
    """An id of another type is not sent back; what came with it is delivered."""
    outputs = a_mercury().receive(json.dumps(an_envelope(id=identifier)), BEGIN)

    assert outputs == [Deliver(an_envelope(id=identifier))]


@pytest.mark.parametrize("ready", [False, True])
def test_shutdown_notice(ready: bool) -> None:
    """A shutdown notice is an output; frames after it are acknowledged as before."""
    mercury = a_ready_mercury()[0] if ready else a_mercury()

    assert mercury.receive('{"type": "shutdown"}', BEGIN) == [GoingAway()]

    assert acks(mercury.receive(json.dumps(an_envelope(id="later")), BEGIN)) == ["later"]


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b'{"data": {}}', "binary"),
        (b"\xff\xfe\x00", "no JSON"),
        ("", "no JSON"),
        ('{"data": {}} {}', "no JSON"),
        ("\ud800", "no JSON"),
        (DEEP, "no JSON"),
        ('{"id": 1' + "0" * 5000 + ', "data": {}}', "no JSON"),
        ('{"data": {"number": NaN}}', "no JSON"),
        ('{"data": {"number": 1e999}}', "no JSON"),
        ("null", "no object"),
        ('[{"id": "1", "data": {}}]', "no object"),
        ("{}", "no data"),
        ('{"data": []}', "no data"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_malformed_frame_is_skipped(frame: str | bytes, what: str) -> None:
    """A frame that is not of the protocol is an output, in words that hold none of it."""
    mercury, _ = a_ready_mercury()
    due = mercury.due

    assert mercury.receive(frame, BEGIN + 1) == [Malformed(what)]

    assert mercury.due == due
    assert kinds(mercury.receive(json.dumps(an_envelope()), BEGIN + 1)) == [Deliver, Send]


def test_binary_envelope_is_acknowledged() -> None:
    """A binary frame with an id is acknowledged, but neither delivered nor readiness."""
    mercury = a_mercury()

    outputs = mercury.receive(readiness().encode(), BEGIN)

    assert kinds(outputs) == [Send, Malformed]
    assert acks(outputs) == ["envelope-1"]
    assert mercury.due == BEGIN + USUAL.ready_timeout


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ([1, None, 2, 9], [3]),
        ([1, "2", 2.0, True, 3], [4]),
    ],
)
def test_sequence_numbers(numbers: list[Any], lost: list[int]) -> None:
    """A number that jumps ahead of the one before means lost frames; nothing else does."""
    mercury = a_mercury()
    found = []

    for place, number in enumerate(numbers):
        changes = {} if number is None else {"sequenceNumber": number}
        outputs = mercury.receive(json.dumps(an_envelope(**changes)), BEGIN)
        found += [place] * outputs.count(FramesLost())

    assert found == lost


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [((1, None, 2), False), ((1, 2, 3), False), ((1, 2, 4), True), ((1, 3, 4), True)],
)
def test_pongs_may_be_numbered_or_not(numbers: tuple[Any, Any, Any], lost: bool) -> None:
    """A pong counts if it has a number, and leaves no gap if it has none."""
    before, between, after = numbers
    mercury, ping = a_ready_mercury()
    numbered = {} if between is None else {"sequenceNumber": between}

    outputs = [
        *mercury.receive(json.dumps(an_envelope(sequenceNumber=before)), BEGIN),
        *mercury.receive(pong(ping, **numbered), BEGIN),
        *mercury.receive(json.dumps(an_envelope(sequenceNumber=after)), BEGIN),
    ]

    assert (FramesLost() in outputs) is lost


@pytest.mark.parametrize(
    ("data", "overridden"),
    [
        ({"a": 0, "headers": {"a": 1}}, {"a": 1}),
        ({"headers": {"a.b.c": 1}}, {"a": {"b": {"c": 1}}}),
        ({"a": {"x": 0}, "headers": {"a.b": 1, "a.c": 2}}, {"a": {"x": 0, "b": 1, "c": 2}}),
        ({"a": [1], "headers": {"a.0": 2}}, {"a": [1]}),
        ({"a": None, "headers": {"a.b": 1}}, {"a": None}),
        ({"a": {"b": "x"}, "headers": {"a.b.c.d": 1}}, {"a": {"b": "x"}}),
        ({"headers": {"a..b": 1}}, {"a": {"": {"b": 1}}}),
        ({"headers": {"a": {"b": 1}, "a.c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"headers": {"a" + ".a" * 21: 1}}, {}),
        ({"headers": None}, {}),
        ({"headers": ["a.b"]}, {}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_overrides(data: dict[str, Any], overridden: dict[str, Any]) -> None:
    """The values in data.headers are set in the data, along dotted paths, through objects only."""
    outputs = a_mercury().receive(json.dumps({"data": data}), BEGIN)

    (delivered,) = outputs
    assert isinstance(delivered, Deliver)
    assert {k: v for k, v in delivered.envelope["data"].items() if k != "headers"} == overridden


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"headers": 1, "headers.a": 2, "b": 3}, {"headers": 1, "b": 3}),
        (
            {"headers.a": 2, "b": 3},
            {"headers": {"headers.a": 2, "b": 3, "a": 2}, "b": 3},
        ),
    ],
    ids=["replaced", "added to"],
)
def test_override_of_the_headers_themselves(headers: dict[str, Any], data: dict[str, Any]) -> None:
    """An override that changes the headers changes no other override: each is applied once."""
    (delivered,) = a_mercury().receive(json.dumps({"data": {"headers": headers}}), BEGIN)

    assert delivered == Deliver({"data": data})


def test_override_may_make_it_readiness() -> None:
    """The event's type is read after the overrides."""
    frame = {"data": {"eventType": "other", "headers": {"eventType": READINESS[0]}}}

    assert Ready() in a_mercury().receive(json.dumps(frame), BEGIN)


def test_ids_of_connections_differ() -> None:
    """Each authorization and each ping, of whatever connection, has an id of its own."""
    ids = []
    for _ in range(3):
        mercury = Mercury(BEGIN, USUAL)
        authorization = json.loads(mercury.authorize("token"))
        ids += [authorization["id"], authorization["trackingId"].removeprefix("callhistory_")]
        ids += pings(mercury.receive(readiness(), BEGIN))

    assert len(set(ids)) == 9
