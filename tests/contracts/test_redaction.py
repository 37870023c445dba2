"""No secret and nothing personal in logs, reprs, errors and tracebacks, over whole sessions."""

from __future__ import annotations

import inspect
import io
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from types import FrameType, FunctionType, ModuleType
from typing import Any

import pytest

import callhistory
from callhistory import (
    CallHistoryClient,
    CallHistoryError,
    Calling,
    EndTimeSessionId,
    TokenGrant,
    UserSession,
    Webex,
    create_call_history_client,
)
from callhistory._http.token import Token
from callhistory._http.token_source import AskedToken, GivenToken
from callhistory._http.trusted_hosts import TokenAuth, TrustedHosts
from callhistory.sandbox import Sandbox
from tests.support.error_contents import chain, failure_of, shown_by

HISTORY = "/history/userSessions"

NAME, NUMBER, EMAIL = "Zoe Ashby-Quist", "+12065550142", "zoe@ashby.example"
REDIRECTED, NOTE = "Tuva Nilsen", "a-field-nobody-knows"


class Everything(logging.Handler):
    """Keeps all that any handler of any logger could write.

    Attributes:
        lines: what it was.
    """

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
    """Return what all loggers say at DEBUG, those of the HTTP libraries among them."""
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
    """Place a call that has something personal in every place."""
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
    {"status": 429, "retry_after": 99},
    {"status": 500, "body": f"<html>{NAME} {NUMBER}</html>"},
    {"status": 302, "headers": {"Location": f"https://evil.example/{NAME}"}},
    {"status": 503, "retry_after": NAME},
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
    """Call a function, and log its error as a program does."""
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
    assert "callhistory GET 127.0.0.1" in told
    assert "urllib3.connectionpool" in told
    assert found(secrets, told) == []


@pytest.mark.parametrize("path", ["/setReadState", "/markAsDeleted"])
def test_log_of_failed_writes_is_clean(log: Everything, cloud: Sandbox, path: str) -> None:
    """Neither the log nor the error of a failed write shows which sessions it was for."""
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
    """The log of a failed catalog or registration shows neither the token nor the answer."""
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
        hosts = TrustedHosts()
        account, own_session = webex._account, client._http
        things: list[object] = [
            client,
            webex,
            account,
            account.catalog(own_session),
            account.device(own_session),
            own_session,
            Webex(access_token=token),
            Webex(access_token=lambda: token),
            Calling(token),
            CallHistoryClient(token),
            GivenToken(token),
            AskedToken(lambda: token),
            Token(token, 1),
            TokenGrant(access_token=token, refresh_token=token, expires_in=60),
            TokenAuth(token, hosts),
            hosts,
            history,
            client.update_missed_calls([session]),
            client.delete_call_history_records([session]),
            client.get_call_history_data,
        ]
        for thing in things:
            for text in (repr(thing), str(thing), f"{thing}", "%r" % (thing,)):  # noqa: UP031 - as programs do
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


# --- frames: what tools print that show the variables of a traceback ---

BAD = "sEcReT with white space"
GOOD: dict[str, Any] = {
    "client_id": "sEcReT-1",
    "client_secret": "sEcReT-2",
    "refresh_token": "sEcReT-3",
}


def frames(error: BaseException) -> list[FrameType]:
    """Return the frames of an error and of all that is chained to it, without those of tests."""
    walked = [frame for link in chain(error) for frame, _ in traceback.walk_tb(link.__traceback__)]
    return [frame for frame in walked if not frame.f_globals["__name__"].startswith("tests.")]


def texts(value: object, depth: int = 8) -> Iterator[str]:
    """Return all texts that a value shows or holds, objects within it included."""
    yield repr(value)
    if depth == 0 or isinstance(value, (type, ModuleType, FunctionType)):
        return
    inside: list[object] = list(getattr(value, "__dict__", {}).values())
    if isinstance(value, dict):
        inside += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inside += value
    for each in inside:
        yield from texts(each, depth - 1)


def variables_with(error: BaseException, secrets: list[str]) -> list[str]:
    """Return the functions with a variable that holds a secret, and functions of other libraries.

    The frames of the library's public entries may be there, and no frame below them.
    """
    return [
        frame.f_code.co_qualname
        for frame in frames(error)
        if not frame.f_globals["__name__"].startswith("callhistory.")
        or any(found(secrets, text) for each in frame.f_locals.values() for text in texts(each))
    ]


WITH_SECRETS: dict[str, Callable[[], object]] = {
    "CallHistoryClient": lambda: CallHistoryClient(BAD),
    "CallHistoryClient with a wrong logger": lambda: CallHistoryClient("sEcReT", "loud"),
    "create_call_history_client": lambda: create_call_history_client(BAD),
    "Calling": lambda: Calling(BAD),
    "Webex": lambda: Webex(access_token=BAD),
    "Webex, bytes": lambda: Webex(access_token=b"sEcReT"),  # type: ignore[arg-type] # that is the point
    "Webex with another mistake": lambda: Webex(access_token="sEcReT", timeout=0),
    "Webex, the environment": lambda: Webex(),
    "Webex, a refresh that is no use": lambda: Webex(access_token="sEcReT", on_refresh=print),
    "Webex, the token beside a refresh": lambda: Webex(**GOOD, access_token=BAD),
    "Webex, the address": lambda: Webex(**GOOD, token_url=f"http://x.example/{BAD}"),
    "Webex, a function": lambda: CallHistoryClient(lambda: BAD).get_call_history_data(),
    "Webex, part of it": lambda: Webex(client_id="sEcReT-1"),
    **{f"Webex, {name}": partial(Webex, **{**GOOD, name: BAD}) for name in GOOD},
}


def test_each_public_callable_with_a_secret_is_tested() -> None:
    """What takes a token or a secret by one of these names is among the cases here.

    ``TokenGrant`` is made by the library and refuses nothing.
    """
    secret = {"webex", "access_token", "refresh_token", "client_secret"}
    takes_one = set()
    for name in callhistory.__all__:
        exported = getattr(callhistory, name)
        # Classes without one of their own are made by a function in C, and take no secret.
        made_by = getattr(exported, "__init__", exported) if inspect.isclass(exported) else exported
        known = inspect.signature(made_by).parameters if inspect.isfunction(made_by) else {}
        if secret & set(known):
            takes_one.add(name)

    tested = {name.replace(",", " ").split()[0] for name in WITH_SECRETS}
    assert takes_one == {*tested, "TokenGrant"}


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_refused_secret_is_in_no_frame(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A secret that is refused, or passed with another mistake, is in no frame of the library."""
    if name.endswith("the environment"):
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", BAD)

    error = failure_of(WITH_SECRETS[name])

    assert isinstance(error, (TypeError, ValueError))
    assert variables_with(error, ["sEcReT"]) == []
    assert all("sEcReT" not in f"{link} {link!r}" for link in chain(error))


def write(client: CallHistoryClient) -> object:
    return client.update_missed_calls([EndTimeSessionId("2026-01-31T09:30:00Z", "sEsSiOn")])


def delete(client: CallHistoryClient) -> object:
    return client.delete_call_history_records([EndTimeSessionId("2026-01-31T09:30:00Z", "sEsSiOn")])


def fetch(client: CallHistoryClient) -> object:
    return list(client.get_call_history_data())


OTHER_JANUS = {
    "serviceLinks": {"janus": "http://janus.example", "wdm": "https://wdm.wbx2.com/wdm/api/v1"}
}
PAGE = {"userSessions": [{"id": "sEsSiOn", "other": {"name": NAME}}]}


@pytest.mark.parametrize(
    ("path", "fault", "call"),
    [
        (HISTORY, {"reset": True}, fetch),
        (HISTORY, {"truncate": True}, fetch),
        (HISTORY, {"drip": 0.02}, fetch),
        (HISTORY, {"body": PAGE}, fetch),
        (HISTORY, {"body": {"sessions": PAGE}}, fetch),
        (HISTORY, {"body": f"<html>{NAME}</html>"}, fetch),
        (HISTORY, {"body": NAME, "headers": {"Content-Encoding": "gzip"}}, fetch),
        (HISTORY, {"status": 401, "body": PAGE}, fetch),
        (HISTORY, {"status": 429, "retry_after": 99}, fetch),
        ("/catalog", {"reset": True}, fetch),
        ("/catalog", {"body": OTHER_JANUS}, fetch),
        ("/catalog", {"body": PAGE}, write),
        ("/devices", {"reset": True}, write),
        ("/devices", {"body": PAGE}, write),
        ("/setReadState", {"reset": True}, write),
        ("/setReadState", {"body": f"<html>{NAME}</html>"}, write),
        ("/markAsDeleted", {"body": f"<html>{NAME}</html>"}, delete),
        ("/catalog", {"reset": True}, lambda client: client.listen(0.3)),
    ],
)
def test_failed_call_has_no_secret_in_its_frames(
    cloud: Sandbox,
    path: str,
    fault: dict[str, Any],
    call: Callable[[CallHistoryClient], object],
) -> None:
    """No error, no link chained to it and no frame holds a token, a body, a request or an id.

    Its frames end in the call that raised it, and its attributes are plain values.
    """
    secrets = [cloud.access_token, "Bearer", NAME, "sEsSiOn", "<html"]
    cloud.fail_next(path, times=99, **fault)
    with (
        cloud.webex(max_retries=0, timeout=(5, 0.1)) as webex,
        CallHistoryClient(webex) as client,
    ):
        error = failure_of(lambda: call(client))

    assert isinstance(error, CallHistoryError)
    assert variables_with(error, secrets) == []
    assert not [f for f in frames(error) if f.f_globals["__name__"].startswith("callhistory._http")]
    assert found(secrets, shown_by(error.with_traceback(None))) == []
    for link in chain(error):
        for value in (*link.args, *vars(link).values()):
            assert isinstance(value, (str, int, float, type(None)))


def test_closed_client_has_no_session_id_in_its_frames(cloud: Sandbox) -> None:
    """The error of a call to a closed client does not hold what was passed to it."""
    client = CallHistoryClient(cloud.webex())
    client.close()

    error = failure_of(lambda: write(client))

    assert isinstance(error, RuntimeError)
    assert variables_with(error, [cloud.access_token, "sEsSiOn"]) == []


def test_users_iterable_that_raises_beside_a_secret(cloud: Sandbox) -> None:
    """An error of the user's own iterable keeps its frame, and no frame holds the token."""

    def domains() -> Iterator[str]:
        yield "example.com"
        raise LookupError("the settings are gone")

    error = failure_of(lambda: Webex(access_token=cloud.access_token, allowed_domains=domains()))

    assert isinstance(error, LookupError)
    walked = list(traceback.walk_tb(error.__traceback__))
    assert walked[-1][0].f_code is domains.__code__
    assert variables_with(error, [cloud.access_token]) == []


@pytest.mark.parametrize("kind", [ValueError, TypeError, RuntimeError, LookupError])
def test_error_of_the_users_function_keeps_its_frames(
    cloud: Sandbox, kind: type[Exception]
) -> None:
    """An error of the user's own function for the token can be found where it was raised."""

    def vault() -> str:
        raise kind("the vault is shut")

    with CallHistoryClient(cloud.webex(access_token=vault)) as client:
        error = failure_of(client.get_call_history_data)

    assert type(error) is kind
    walked = list(traceback.walk_tb(error.__traceback__))
    assert walked[-1][0].f_code is vault.__code__
