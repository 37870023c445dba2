"""A search for private words in everything that the suite logs and prints.

    pytest -n0 --search-private

sets every logger to DEBUG, learns the private words of every sandbox that is started, and reports
what it searched and what it found. Tests may fail because of the level; the search alone
determines the exit code.
"""

from __future__ import annotations

import functools
import logging
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import pytest
from attrs import frozen

from callhistory.sandbox._world.accounts import Account
from callhistory.sandbox._world.history import History
from callhistory.sandbox._world.organization import Organization
from tests.support.wire_samples import a_session

OPTION = "--search-private"
MARKER = "plants_private_words"
TOKEN, REFRESH_TOKEN, SECRET = "an access token", "a refresh token", "a client secret"
NAME, NUMBER, SESSION = "a person's name", "a phone number", "a session id"
BETWEEN_TESTS = "between tests"
LOGGED_BY_LIBRARY = "logged by the library and those it uses"
LOGGED_BY_TEST, PRINTED = "logged by tests", "printed"
# What tests use in the place of a token, or of an id, besides a sandbox's own.
_OF_TESTS = ("sEcReT", "sEsSiOn")
# What a test calls a person, and many others call something else.
_EVERYDAY = frozenset({"secret"})
# Who logs what the library does. All other loggers are a test's own, or an example's.
LIBRARIES = ("callhistory", "urllib3", "requests", "websockets", "werkzeug", "asyncio", "root")

_SECRETS = (TOKEN, REFRESH_TOKEN, SECRET)
# Of a secret, this much is too much.
_ENOUGH = 16
# Shorter words are searched for as words of their own: they are part of others.
_STEM = 6
_SHORTEST = 3


def add_option(parser: pytest.Parser) -> None:
    """Add the option to pytest."""
    parser.addoption(
        OPTION, action="store_true", help="search all that is logged and printed for private words"
    )


def begin(config: pytest.Config) -> None:
    """Begin the search, if the option is given."""
    config.addinivalue_line("markers", f"{MARKER}: lets private words be logged to see them found")
    if not config.getoption(OPTION):
        return
    if config.getoption("numprocesses", 0):
        raise pytest.UsageError(f"{OPTION} searches one process: add -n0")
    config.pluginmanager.register(Search(), "search-private")


@frozen
class Told:
    """Something that was logged or printed.

    Attributes:
        test: during which test.
        source: the logger, or the stream.
        text: what.
    """

    test: str
    source: str
    text: str

    @property
    def speaker(self) -> str:
        """Who logged or printed it."""
        if self.source in ("stdout", "stderr"):
            return PRINTED
        return LOGGED_BY_LIBRARY if self.source.partition(".")[0] in LIBRARIES else LOGGED_BY_TEST


@frozen
class Hit:
    """A private word in what was logged or printed."""

    told: Told
    kind: str
    word: str

    def __str__(self) -> str:
        start = max(0, self.told.text.find(self.word) - 60)
        around = " ".join(self.told.text[start : start + 160].split())
        return f"{self.told.test}: {self.kind}, by {self.told.source}: …{around}…"


class PrivateWords:
    """The private words, by their kind; any thread may add to them."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, word: object) -> None:
        """Learn a word, unless it is too short to mean anything."""
        if isinstance(word, str) and len(word) >= _SHORTEST and word not in _EVERYDAY:
            with self._lock:
                self._kinds.setdefault(word, kind)

    def add_session(self, session: Any) -> None:
        """Learn the words of a session in wire form."""
        for name in ("id", "sessionId"):
            self.add(SESSION, session.get(name))
        details = (session.get("callingSpecifics") or {}).get("redirectionDetails")
        for person in (session.get("self"), session.get("other"), details):
            if isinstance(person, dict):
                self.add(NAME, person.get("name"))
                self.add(NUMBER, person.get("phoneNumber"))

    def counts(self) -> Counter[str]:
        """Count the words of each kind."""
        return Counter(self._kinds.values())

    def search(self, everything: Iterable[Told]) -> Iterator[Hit]:
        """Yield each word once for each text that has it; the beginning of a secret is enough."""
        by_stem: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        short = [word for word in self._kinds if len(word) < _STEM]
        for word, kind in self._kinds.items():
            if len(word) >= _STEM:
                sought = word[:_ENOUGH] if kind in _SECRETS else word
                by_stem[word[:_STEM]].append((sought, kind))
        alone = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, short)) or '(?!)'})(?!\w)")
        found: dict[str, set[tuple[str, str]]] = {}
        for told in everything:
            text = told.text
            if text not in found:
                found[text] = {(word, self._kinds[word]) for word in alone.findall(text)}
                for start in range(len(text) - _STEM + 1):
                    for word, kind in by_stem.get(text[start : start + _STEM], ()):
                        if text.startswith(word, start):
                            found[text].add((word, kind))
            for word, kind in sorted(found[text]):
                yield Hit(told, kind, word)


class Search:
    """The plugin: records everything, and searches it when all tests have run."""

    def __init__(self) -> None:
        self.words = PrivateWords()
        self.records: list[Told] = []
        self.printed: list[Told] = []
        self._test = BETWEEN_TESTS
        self._deaf = False
        self._undo: list[Callable[[], None]] = []

    def pytest_sessionstart(self) -> None:
        """Begin to record."""
        self.begin()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search, and set the exit code of the run."""
        self.end()
        leaked = any(hit.told.speaker == LOGGED_BY_LIBRARY for hit in self.hits)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if leaked else pytest.ExitCode.OK

    def begin(self) -> None:
        """Begin to record and to learn words."""
        words = self.words
        for word in _OF_TESTS:
            words.add(TOKEN, word)
        words.add_session(a_session())

        def opened(account: Account) -> None:
            words.add(REFRESH_TOKEN, account.refresh_token)
            words.add(NAME, account.person.name)
            words.add(NUMBER, account.person.phone_number)

        def met(person: Any) -> None:
            words.add(NAME, person.name)
            words.add(NUMBER, person.phone_number)

        def kept(history: History) -> None:
            for session in history._sessions.values():
                words.add_session(session)

        self._note(Organization, "__init__", lambda made, _: words.add(SECRET, made.client_secret))
        self._note(Organization, "meet", lambda _, person: met(person))
        self._note(Account, "__init__", lambda account, _: opened(account))
        self._note(Account, "issue_token", lambda _, token: words.add(TOKEN, token))
        self._note(Account, "rotate_refresh_token", lambda account, _: opened(account))
        self._note(History, "__init__", lambda history, _: kept(history))
        self._note(History, "add", lambda _, session: words.add_session(session), before=True)
        self._note(logging.Logger, "callHandlers", lambda _, record: self.hear(record), before=True)

    def end(self) -> None:
        """Restore the sandbox and the loggers."""
        while self._undo:
            self._undo.pop()()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note which test runs."""
        self._test = item.nodeid
        self._deaf = item.get_closest_marker(MARKER) is not None
        try:
            return (yield)
        finally:
            self._test, self._deaf = BETWEEN_TESTS, False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Set every logger to DEBUG, also those that an earlier test has silenced."""
        logging.getLogger().setLevel(logging.DEBUG)
        for name in LIBRARIES[:-1]:
            logging.getLogger(name).setLevel(logging.NOTSET)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record what a test has printed; the last of its reports has all of it."""
        if report.when == "teardown":
            for title, text in report.sections:
                _, stream, _ = f"{title} ".split(" ", 2)
                if stream in ("stdout", "stderr"):
                    self.printed.append(Told(report.nodeid, stream, text))

    def hear(self, record: logging.LogRecord) -> None:
        """Record a log record as a handler would write it."""
        if self._deaf:
            return
        try:
            text = _FORMATTER.format(record)
        except Exception:  # noqa: BLE001 - a test's own odd record, which no handler can write
            text = f"{record.msg!r} {record.args!r}"
        self.records.append(Told(self._test, record.name, text))

    @functools.cached_property
    def hits(self) -> list[Hit]:
        """All that was found."""
        return list(self.words.search([*self.records, *self.printed]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Report what was searched and what was found."""
        write = terminalreporter.write_line
        terminalreporter.section("search for private words")
        for name, told in (("log records", self.records), ("printed texts", self.printed)):
            write(f"{len(told)} {name}, {sum(len(one.text) for one in told)} characters")
        counts = self.words.counts()
        write(f"{counts.total()} words: " + ", ".join(f"{n} {k}" for k, n in counts.items()))
        for speaker in (LOGGED_BY_LIBRARY, LOGGED_BY_TEST, PRINTED):
            hits = [hit for hit in self.hits if hit.told.speaker == speaker]
            write(f"{len(hits)} hits in what was {speaker}")
            first = {(hit.told.test, hit.told.source, hit.kind): hit for hit in reversed(hits)}
            for hit in reversed(first.values()):
                write(f"  {hit}")

    def _note(
        self, cls: type[Any], name: str, note: Callable[..., object], *, before: bool = False
    ) -> None:
        """Call a function with each call's object, and with its result or, before it, arguments."""
        method = getattr(cls, name)

        @functools.wraps(method)
        def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
            if before:
                note(self, *args)
            result = method(self, *args, **kwargs)
            if not before:
                note(self, result)
            return result

        self._undo.append(functools.partial(setattr, cls, name, method))
        setattr(cls, name, noted)


_FORMATTER = logging.Formatter("%(levelname)s %(name)s: %(message)s")
