"""The search for private words finds them in whatever is logged."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from callhistory.sandbox import Sandbox
from tests.support.private_words import (
    LOGGED_BY_LIBRARY,
    LOGGED_BY_TEST,
    NAME,
    NUMBER,
    PRINTED,
    REFRESH_TOKEN,
    SECRET,
    SESSION,
    TOKEN,
    PrivateWords,
    Search,
    Told,
)


@pytest.fixture
def search() -> Iterator[Search]:
    """Return a search of its own, which hears what this test logs."""
    begun = Search()
    begun.begin()
    yield begun
    begun.end()


def say(search: Search, logger: str, text: str, *args: object, error: bool = False) -> None:
    exc_info = sys.exc_info() if error else None
    search.hear(logging.LogRecord(logger, logging.DEBUG, __file__, 1, text, args, exc_info))


def test_every_kind_of_word_of_a_sandbox_is_found(search: Search) -> None:
    """The search knows the words of a sandbox, those made up and those passed to it."""
    with Sandbox(sessions=3, rotate_refresh_tokens=True) as cloud:
        first, refresh = cloud.access_token, cloud.refresh_token
        second = cloud.issue_token()
        account = cloud.add_user("Quentin Abernathy", sessions=1)
        session = cloud.place_call(name="Ottilie Vance", phone_number="+12065550199")
        account.rotate_refresh_token()
    said = {
        first: TOKEN,
        second[:20]: TOKEN,
        account.access_token: TOKEN,
        refresh: REFRESH_TOKEN,
        account.refresh_token: REFRESH_TOKEN,
        cloud.client_secret: SECRET,
        cloud.user.name: NAME,
        cloud.contacts[0].name: NAME,
        "Quentin Abernathy": NAME,
        "Ottilie Vance": NAME,
        "+12065550199": NUMBER,
        cloud.user.phone_number: NUMBER,
        session.session_id: SESSION,
    }
    for word in said:
        say(search, "callhistory._http.session", "asked for <%s>", word)

    found = {(hit.told.text.partition("<")[2], hit.kind) for hit in search.hits}
    assert {(f"{word}>", kind) for word, kind in said.items()} <= found
    assert {hit.told.speaker for hit in search.hits} == {LOGGED_BY_LIBRARY}


def test_what_is_raised_is_searched_as_well(search: Search) -> None:
    """The traceback of a log record is searched as part of it."""
    search.words.add(NAME, "Ottilie Vance")
    try:
        raise LookupError("Ottilie Vance")
    except LookupError:
        say(search, "program.calls", "it failed", error=True)

    (hit,) = search.hits
    assert hit.told.speaker == LOGGED_BY_TEST
    assert "Ottilie Vance, by" not in str(hit)
    assert "LookupError: Ottilie Vance" in str(hit)


def test_loggers_and_sandboxes_are_heard(search: Search) -> None:
    """The records of all loggers are searched, until the search ends."""
    logger = logging.Logger("callhistory.of_its_own", logging.DEBUG)
    logger.addHandler(logging.NullHandler())

    logger.debug("one %d", 1)
    search.end()
    logger.debug("two")

    assert [told.text for told in search.records] == ["DEBUG callhistory.of_its_own: one 1"]


@pytest.mark.plants_private_words
def test_what_a_test_plants_is_not_searched(request: pytest.FixtureRequest, search: Search) -> None:
    """A test that is marked because it logs private words on purpose is left out."""
    item = request.node
    assert isinstance(item, pytest.Item)
    running = search.pytest_runtest_protocol(item)
    next(running)
    say(search, "callhistory", "planted")
    running.close()
    say(search, "callhistory", "heard")

    assert [told.text for told in search.records] == ["DEBUG callhistory: heard"]


def test_short_words_are_found_alone() -> None:
    """A short name is found as a word of its own only, and a single letter never."""
    words = PrivateWords()
    for name in ("Ada", "A"):
        words.add(NAME, name)

    found = words.search(Told("test", "stdout", text) for text in ("A, Ada!", "Adaptive"))

    assert [(hit.word, hit.told.text, hit.told.speaker) for hit in found] == [
        ("Ada", "A, Ada!", PRINTED)
    ]
