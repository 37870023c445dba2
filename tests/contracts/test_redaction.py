"""No secret and nothing personal in logs, reprs, errors and tracebacks, over whole sessions."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    CallHistoryError,
    Calling,
    UserSession,
    Webex,
)
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of, shown_by

HISTORY = "/history/userSessions"

NAME, NUMBER, EMAIL = "Zoe Ashby-Quist", "+12065550142", "zoe@ashby.example"
REDIRECTED, NOTE = "Tuva Nilsen", "a-field-nobody-knows"


class Everything(logging.Handler):
    """Keeps everything that a handler of any logger could write."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(name)s %(message)s").format(record))
        self.lines.append(repr(record.args))
        self.lines.append(repr(vars(record)))
        if record.exc_info and record.exc_info[1] is not None:
            told = traceback.TracebackException.from_exception(
                record.exc_info[1], capture_locals=True
            )
            self.lines += told.format()


@pytest.fixture
def log() -> Iterator[Everything]:
    """Return what all loggers log at DEBUG, including those of the HTTP libraries."""
    handler = Everything()
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = [(logger, logger.level, logger.disabled) for logger in loggers]
    for logger in loggers:
        logger.disabled = False
        logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    for logger, level, disabled in levels:
        logger.disabled = disabled
        logger.setLevel(level)


def place(cloud: Sandbox) -> UserSession:
    """Place a call that has something personal in every field."""
    unnamed: dict[str, Any] = {NOTE: [NAME, NUMBER], NAME: NUMBER}
    details = {
        "name": REDIRECTED,
        "phoneNumber": NUMBER,
        "reason": "busy",
        "isPrivate": False,
    }
    return cloud.place_call(
        name=NAME,
        phone_number=NUMBER,
        other={"email": EMAIL, "contact": {"who": NAME}, NOTE: NAME},
        callingSpecifics={"redirectionDetails": details},
        durationSeconds="12",  # of another type than documented
        **unnamed,
    )


def secrets_of(cloud: Sandbox, session: UserSession) -> list[str]:
    ids = [session.session_id, session.id]
    personal = [NAME, "Ashby", NUMBER, NUMBER[2:], EMAIL, REDIRECTED, cloud.user.name]
    return [cloud.access_token, cloud.access_token[:20], *ids, *personal]


def found(secrets: list[str], text: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


FAULTS: list[dict[str, Any]] = [
    {"status": 401},
    {"status": 403},
    {"status": 429, "retry_after": 99},
    {"status": 500, "body": f"<html>{NAME} {NUMBER}</html>"},
    {"status": 302, "headers": {"Location": f"https://evil.example/{NAME}"}},
    {"status": 503, "retry_after": f"{NAME}"},
    {"body": f"<html>{NAME} {NUMBER}</html>"},
    {"body": b"\xff" + NAME.encode()},
    {"body": {"userSessions": {NAME: NUMBER}}},
    {"body": {"userSessions": [{"id": NAME, "startTime": NUMBER, "endTime": NUMBER}]}},
    {"body": {"userSessions": [], NAME: NUMBER, NOTE: NAME}},
    {"body": NAME, "headers": {"Content-Encoding": "gzip"}},
    {"reset": True},
    {"truncate": True},
    {"delay": 20},
]


def attempt(call: Callable[[], object]) -> None:
    """Make a call and log its error, as a program does."""
    try:
        call()
    except (CallHistoryError, ValueError) as error:
        logging.getLogger("program").exception("the call failed", exc_info=error)


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "UCM_CALLING"])
def test_log_of_a_session_is_clean(log: Everything, backend: str) -> None:
    """A session with success and every kind of failure writes nothing personal into any log."""
    with Sandbox(backend=backend, sessions=5) as cloud:
        session = place(cloud)
        secrets = secrets_of(cloud, session)
        with cloud.webex(timeout=(5, 0.3), max_retries=1) as webex:
            client = CallHistoryClient(webex)
            for fault in FAULTS:
                cloud.fail_next(HISTORY, method="GET", times=2, **fault)
                attempt(client.get_call_history_data)
                cloud.clear_faults()
                cloud.fail_next("/lines", times=2, **fault)
                attempt(client.get_call_history_data)
                cloud.clear_faults()
            attempt(client.get_call_history_data)
            assert client.update_missed_calls([session]).ok
            assert client.delete_call_history_records([session]).ok
            cloud.fail_next("/devices", method="DELETE", reset=True)
            client.close()

    told = "\n".join(log.lines)
    assert "the call failed" in told
    assert "\ncallhistory." in told
    assert "urllib3.connectionpool" in told
    assert found(secrets, told) == []


@pytest.mark.parametrize("path", ["/setReadState", "/markAsDeleted"])
def test_log_of_failed_writes_is_clean(log: Everything, cloud: Sandbox, path: str) -> None:
    """Neither the log nor the error of a failed write has the sessions that it was for."""
    session = place(cloud)
    secrets = secrets_of(cloud, session)
    errors = []
    with cloud.webex(timeout=(5, 0.3), max_retries=1) as webex, CallHistoryClient(webex) as client:
        write = (
            client.update_missed_calls
            if path == "/setReadState"
            else client.delete_call_history_records
        )
        for fault in FAULTS:
            cloud.fail_next(path, times=2, **fault)
            try:
                write([session])
            except CallHistoryError as error:
                errors.append(error)
            cloud.clear_faults()

    assert len(errors) > 5
    assert found(secrets, "\n".join(log.lines)) == []
    for failed in errors:
        # Its frames begin with the call, and so with what was passed to it.
        assert found(secrets, shown_by(failed.with_traceback(None))) == []


@pytest.mark.parametrize("service", ["/catalog", "/devices"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: " ".join(map(str, fault)))
def test_log_of_a_failed_bootstrap_is_clean(
    log: Everything, cloud: Sandbox, service: str, fault: dict[str, Any]
) -> None:
    """The log of a failed catalog or registration has neither the token nor the answer's text."""
    cloud.fail_next(service, times=2, **fault)
    with cloud.webex(timeout=(5, 0.3), max_retries=1) as webex:
        attempt(CallHistoryClient(webex).get_call_history_data)

    assert log.lines
    assert found([cloud.access_token, NAME, NUMBER], "\n".join(log.lines)) == []


def test_log_of_a_renewed_token_is_clean(log: Everything, cloud: Sandbox) -> None:
    """Neither a refused token, nor its replacement, nor a malformed one is in a log."""
    old, new = cloud.access_token, cloud.issue_token()
    tokens = [old, new, "Bearer sEcReT"]
    client = CallHistoryClient(cloud.webex(access_token=lambda: tokens.pop(0)))
    for _ in range(2):
        cloud.fail_next(HISTORY, status=401)
        attempt(client.get_call_history_data)
    client.close()

    told = "\n".join(log.lines)
    assert tokens == []
    assert "pass the token alone" in told
    assert found([old, new, "sEcReT"], told) == []


def test_reprs_are_clean(cloud: Sandbox) -> None:
    """No repr of what holds a token shows it, and no repr of an answer is a page of records."""
    session = place(cloud)
    secrets = secrets_of(cloud, session)
    token = cloud.access_token
    with cloud.webex() as webex, CallHistoryClient(webex) as client:
        history = client.get_call_history_data()
        things: list[object] = [
            client,
            webex,
            webex.catalog(),
            webex.device(),
            Webex(access_token=token),
            Webex(access_token=lambda: token),
            Calling(token),
            CallHistoryClient(token),
            history,
            client.update_missed_calls([session]),
            client.delete_call_history_records([session]),
            client.get_call_history_data,
        ]
        for thing in things:
            for text in (repr(thing), str(thing), f"{thing}", "%r" % (thing,)):  # noqa: UP031
                assert found(secrets, text) == [], type(thing)
        cloud.fail_next(HISTORY, status=401)
        assert found(secrets, repr(client.get_call_history_data())) == []

    assert NAME in repr(history[0]), "a record shows what it holds: it is the user's own"


def test_errors_of_threads_are_not_printed(cloud: Sandbox) -> None:
    """Nothing is written to standard output or error, whatever goes wrong."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        client = CallHistoryClient(cloud.webex(max_retries=0))
        client.get_call_history_data()
        for fault in ({"reset": True}, {"body": b"<html>"}, {"truncate": True}):
            cloud.fail_next(HISTORY, **fault)
            failure_of(client.get_call_history_data)
        cloud.fail_next("/devices", method="DELETE", status=500)
        client.close()

    printed = err.getvalue().splitlines()
    assert out.getvalue() == ""
    assert [x for x in printed if "callhistory/" in x and "callhistory/sandbox" not in x] == []
