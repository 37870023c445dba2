"""A page: sessions are read as they are parsed, what repeats once, and problems are kept apart."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given

from callhistory import DecodeError, UserSession, from_wire, to_wire
from callhistory._records.page import read_page
from tests.records.samples import (
    SECRET,
    Mutation,
    attempt,
    exactly,
    holds_nothing_of_the_value,
    mutated,
    mutations_of,
    thorough,
)
from tests.support.wire_samples import Wire, a_session, sandbox_page

TIME = "expected an ISO 8601 time with an offset"


pytestmark = pytest.mark.usefixtures("each_way")


def body_of(*sessions: Any, **others: Any) -> bytes:
    """Return the body of a page."""
    return json.dumps({**others, "userSessions": sessions}).encode()


def sessions_of(*sessions: Any) -> tuple[UserSession, ...]:
    """Return what is read from the sessions of a page that can all be read."""
    page = read_page(body_of(*sessions))
    assert page.problems == ()
    assert page.sessions is not None
    return page.sessions


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "UCM_CALLING", "BROADWORKS_CALLING"])
def test_a_page_is_read_as_its_sessions_alone(backend: str) -> None:
    """The sessions of a realistic page are those that from_wire() reads one by one."""
    raw = sandbox_page(backend)

    read = sessions_of(*raw)

    assert read == tuple(from_wire(UserSession, session) for session in raw)
    for one, session in zip(read, raw, strict=True):
        assert one.disposition is not None
        assert exactly(to_wire(one) | {"disposition": ""}) == exactly(session | {"disposition": ""})
        assert pickle.loads(pickle.dumps(one)) == one


@thorough
@given(mutations=mutations_of(a_session()))
def test_a_mutated_session_is_read_as_alone(mutations: list[Mutation]) -> None:
    """A session with fields removed, replaced or added reads as it does alone, or is a problem."""
    other = mutated(a_session(), mutations)
    session = attempt(lambda: from_wire(UserSession, other))

    page = read_page(body_of(a_session(), other, a_session()))

    assert page.sessions is not None
    if isinstance(session, DecodeError):
        (problem,) = page.problems
        assert str(problem) == f"userSessions[1].{session}"
        assert len(page.sessions) == 2
    else:
        assert page.sessions[1] == session
        assert exactly(to_wire(page.sessions[1])) == exactly(to_wire(session))
        assert page.sessions[0] == page.sessions[2] == from_wire(UserSession, a_session())


def test_unreadable_sessions_are_problems_with_their_paths() -> None:
    """The sessions that can be read are read; each other one is an error without its content."""
    page = read_page(body_of(a_session(startTime=SECRET), a_session(), SECRET, {}))

    assert page.sessions == (from_wire(UserSession, a_session()),)
    assert [str(problem) for problem in page.problems] == [
        f"userSessions[0].startTime: {TIME}, found a string",
        "userSessions[2]: expected an object, found a string",
        "userSessions[3].id: expected a string that is not blank, found nothing",
    ]
    for problem in page.problems:
        holds_nothing_of_the_value(problem)


@pytest.mark.parametrize("text", ['{"statusCode":500,%s}', '{%s,"statusCode":500}'])
def test_what_stands_beside_the_sessions_is_kept(text: str) -> None:
    """Other fields are the document, before or after sessions, even ones that cannot be read."""
    page = read_page((text % '"userSessions":[{}]').encode())

    assert (page.document, page.sessions) == ({"statusCode": 500}, ())
    assert len(page.problems) == 1


@pytest.mark.parametrize(
    ("body", "document"),
    [(b"{}", {}), (b'{"userSessions":null,"a":1}', {"userSessions": None, "a": 1}), (b"[]", [])],
)
def test_a_body_without_an_array_of_sessions_has_none(body: bytes, document: Any) -> None:
    """Without an array, there are no sessions, which is not the same as an empty array."""
    page = read_page(body)

    assert (page.document, page.sessions) == (document, None)
    assert read_page(b'{"userSessions":[]}').sessions == ()


def test_a_page_that_is_no_json_is_refused_whatever_its_sessions_are() -> None:
    """If the text is cut, that is the error, not that a session before cannot be read."""
    with pytest.raises(DecodeError, match=r"^\$: expected JSON, found something else$") as raised:
        read_page(body_of({"startTime": SECRET}, a_session())[:-2])

    holds_nothing_of_the_value(raised.value)


def test_an_own_side_that_repeats_is_one_record() -> None:
    """From the second time on, an own side is the same record, also if others come in between."""
    ours: Wire = {"id": "1", "name": "Robin", "callbackInfo": {"callbackType": "EMAIL"}, "x": []}
    webex = {"lookUpInfo": {"lookupLink": "https://one.example"}}
    kim = ours | {"name": "Kim"}
    sides = [ours, ours | webex, ours, None, ours, kim, kim, ours, ours, ours]

    read = [one.self_ for one in sessions_of(*[a_session(self=side) for side in sides])]

    assert read == [from_wire(UserSession, a_session(self=side)).self_ for side in sides]
    assert read[2] is read[4]
    assert read[8] is read[9]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ucmLineNumber": 1}, {"ucmLineNumber": True}),
        ({"ucmLineNumber": True}, {"ucmLineNumber": 1}),
        ({"extra": 1}, {"extra": 1.0}),
        ({"extra": 0.0}, {"extra": -0.0}),
        ({"extra": [{"deep": 1}]}, {"extra": [{"deep": True}]}),
        ({"extra": {"deep": False}}, {"extra": {"deep": 0}}),
        ({"name": 1}, {"name": True}),
    ],
)
def test_an_own_side_that_only_python_finds_equal_is_read_apart(one: Wire, other: Wire) -> None:
    """1, 1.0 and true differ in JSON: each session has its own."""
    sides = [one, other, other, one, one, other]

    read = sessions_of(*[a_session(self=side) for side in sides])

    assert [exactly(to_wire(each)["self"]) for each in read] == [*map(exactly, sides)]


def test_an_own_side_that_is_nested_too_deep_to_be_compared_is_read() -> None:
    """A value that Python cannot compare for its depth is kept like any other."""
    deep = "[" * 490 + "]" * 490
    body = body_of(*[a_session(self={"name": "Robin", "deep": "?"})] * 3)

    page = read_page(body.replace(b'"?"', deep.encode()))

    assert page.sessions is not None
    assert [session.self_.name for session in page.sessions] == ["Robin"] * 3
    assert {str(session.self_.extra["deep"]) for session in page.sessions} == {deep}


def test_equal_ids_are_one_string() -> None:
    """Two ids that are equal are kept once, and others as they came."""
    same, different, odd, missing = sessions_of(
        a_session(id="session 7", sessionId="session 7"),
        a_session(id="session 7", sessionId="session 8"),
        a_session(id=1, sessionId="1"),
        a_session(id=None, sessionId="session 7"),
    )

    assert same.id is same.session_id
    assert (different.id, different.session_id) == ("session 7", "session 8")
    assert (odd.id, odd.session_id, odd.extra) == ("1", "1", {"id": 1})
    assert "id" not in to_wire(missing)


def test_lines_are_numbered_as_their_sessions_are_read() -> None:
    """Each line that is known has its number, in place of Webex's; each is looked up with its own.

    Neither an own side that repeats nor one without a line is looked up.
    """
    asked: list[str] = []

    def number(line: str, _document: dict[str, Any]) -> int | None:
        asked.append(line)
        return {"5501": 1, "5502": 2}.get(line)

    lines: list[Any] = ["5501", "5501", "5502", "5599", "", None, 5501, ["5501"]]
    sides = [{"cucmDN": line} for line in lines]
    page = read_page(
        body_of(
            *[a_session(self=side) for side in [*sides, {"cucmDN": "5501", "ucmLineNumber": 7}]]
        ),
        number,
    )

    assert page.sessions is not None
    numbers = [session.self_.ucm_line_number for session in page.sessions]
    assert numbers == [1, 1, 2, None, None, None, None, None, 1]
    assert asked == ["5501", "5501", "5502", "5599", "5501"]


@pytest.mark.parametrize("bad", [b'"\\ud83d"', b'"\xff"', b"NaN"])
def test_a_page_that_is_parsed_twice_is_read_once(bad: bytes) -> None:
    """Where msgspec gives up in the middle of a page, no session is read into it twice."""
    body = body_of(a_session(), a_session(url="?"), a_session()).replace(b'"?"', bad)

    page = attempt(lambda: read_page(body))

    if bad == b'"\\ud83d"':
        assert [session.url for session in page.sessions].count("\ud83d") == 1
        assert len(page.sessions) == 3
    else:
        assert isinstance(page, DecodeError)
