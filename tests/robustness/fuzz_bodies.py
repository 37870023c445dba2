"""Mutated answers of Webex to the calls, to the catalog, the registration and the rest."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from callhistory import (
    CallHistoryClient,
    CallHistoryError,
    CallingBackend,
    DecodeError,
    SortBy,
    Webex,
)
from tests.robustness.fuzz_watch import Finding, Report, Watch, private_words, shown, unusable
from tests.robustness.mutations import mutate
from tests.support.error_contents import chain
from tests.support.wire_samples import Wire, a_session, sandbox_page

TOKEN = "c2VjcmV0LXRva2Vu_PF84_8b2f6c1e-0d4a-4c57-9a55-00000000000f"
FRESH_TOKEN = "YW5vdGhlci10b2tlbg_PF84_8b2f6c1e-0d4a-4c57-9a55-0000000000ff"
REFRESH_TOKEN = "cmVmcmVzaC10b2tlbi1vZi1yb2Jpbg"
CLIENT_ID, CLIENT_SECRET = "C0ffee-of-an-integration", "d15ea5e-of-an-integration"
SECRETS = (TOKEN, FRESH_TOKEN, REFRESH_TOKEN, CLIENT_SECRET)
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "nobodys-session"}
BACKENDS = tuple(CallingBackend)

CATALOG: Wire = {
    "serviceLinks": {
        "janus": "https://janus-a.wbx2.com/janus/api/v1",
        "wdm": "https://wdm-a.wbx2.com/wdm/api/v1",
        "ucmgmt-gateway": "https://ucmgmt-a.wbx2.com/ucmgmt/api/v1",
        "mercury": "https://mercury-a.wbx2.com/apis",
    },
    "hostCatalog": {
        "janus-a.wbx2.com": [
            {"host": "janus-b.wbx2.com", "ttl": -1, "priority": 5, "id": "urn:TEAM:a:janus"}
        ]
    },
}
DEVICE: Wire = {
    "url": "https://wdm-a.wbx2.com/wdm/api/v1/devices/6a3c2f18-7c1d-4b52-8f4e-00000000000a",
    "webSocketUrl": "wss://mercury-a.wbx2.com/v1/6a3c2f18-7c1d-4b52-8f4e-00000000000b",
    "userId": "6a3c2f18-7c1d-4b52-8f4e-00000000000c",
    "orgId": "6a3c2f18-7c1d-4b52-8f4e-00000000000d",
    "callingBehavior": "NATIVE_WEBEX_TEAMS_CALLING",
    "features": {
        "developer": [],
        "entitlement": [{"key": "bc-sp-basic", "val": "true"}],
        "user": [],
    },
}
LINES: Wire = {
    "devices": [
        {
            "name": "CSFROBIN",
            "model": "Cisco Unified Client",
            "lines": [{"dnorpattern": "5001", "index": 1, "label": "Robin Castellan"}],
        }
    ]
}
GRANT: Wire = {
    "access_token": FRESH_TOKEN,
    "expires_in": 1209599,
    "refresh_token": REFRESH_TOKEN,
    "refresh_token_expires_in": 7775999,
}
WRITTEN: Wire = {"statusCode": 200}
# How the path of each target ends.
PATHS = {
    "catalog": "/catalog",
    "device": "/devices",
    "lines": "/lines",
    "grant": "/access_token",
    "mark": "/setReadState",
    "delete": "/markAsDeleted",
    "fetch": "/userSessions",
}
# How often each is fuzzed, of 12 times.
_SHARES = {"fetch": 4, "mark": 1, "delete": 1, "catalog": 2, "device": 2, "lines": 1, "grant": 1}
TARGETS = [target for target, share in _SHARES.items() for _ in range(share)]


class FuzzedWebex(BaseAdapter):
    """A requests adapter that answers each path with a body, without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: dict[str, bytes] = {}
        self.status: dict[str, int] = {}
        self.refused: str | None = None
        self.unprotected: list[str] = []

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_options: Any
    ) -> requests.Response:
        address = urlsplit(request.url or "")
        asked = (name for name, path in PATHS.items() if address.path.endswith(path))
        target = next(asked, "nothing")
        if "Authorization" in request.headers and address.scheme != "https":
            self.unprotected.append("the token went out without TLS")
        response = requests.Response()
        response.status_code = self.status.get(target, 200)
        if request.headers.get("Authorization") == f"Bearer {self.refused}":
            response.status_code = 401
        response.request = request
        response.url = request.url or ""
        response.raw = BytesIO(self.bodies.get(target, b"{}"))
        return response

    def close(self) -> None:
        """Close nothing: there is no connection."""


def real_answers(rng: random.Random) -> dict[str, Wire]:
    """Return what Webex answers for each target, with other sessions each time."""
    page = rng.sample(sandbox_page(rng.choice(BACKENDS)), rng.randrange(4))
    complete = a_session(self={"id": "user-1", "name": "Robin", "cucmDN": "5001"})
    page += rng.sample([a_session(), complete], rng.randrange(3))
    return {
        "fetch": {"statusCode": 200, "userSessions": page},
        "mark": WRITTEN,
        "delete": WRITTEN,
        "catalog": CATALOG,
        "device": DEVICE,
        "lines": LINES,
        "grant": GRANT,
    }


def fuzz_bodies(count: int, rng: random.Random, report: Report, watch: Watch) -> None:
    """Make ``count`` calls, each answered with a mutated body."""
    for _ in range(count):
        target = rng.choice(TARGETS)
        answers = real_answers(rng)
        document = answers[target]
        if target in ("mark", "delete") and rng.random() < 0.5:
            document = answers["fetch"]
        webex = FuzzedWebex()
        webex.bodies = {name: json.dumps(answer).encode() for name, answer in answers.items()}
        webex.bodies[target] = sent = mutate(document, rng)
        webex.status[target] = rng.choice((200,) * 8 + (201, 400, 404, 500))
        if target == "grant":
            webex.refused = TOKEN
        private = [*private_words([answers["fetch"], answers["device"]]), *SECRETS]
        outcome, problem = _outcome_of_call(target, webex, rng, private)
        report.outcomes[target, outcome] += 1
        for found in (problem, *webex.unprotected, watch.take(private)):
            if found is not None:
                report.findings.append(Finding(target, found, sent))


def _outcome_of_call(
    target: str, adapter: FuzzedWebex, rng: random.Random, private: list[str]
) -> tuple[str, str | None]:
    """Make a call; return its outcome and, if there is one, the problem with it."""
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    backend = rng.choice((None, *BACKENDS)) if target not in ("device", "lines") else None
    if target == "lines":
        backend = CallingBackend.UCM_CALLING
    options: dict[str, Any] = {"access_token": TOKEN}
    if target == "grant":
        options |= {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        options |= {"refresh_token": REFRESH_TOKEN}
    webex = Webex(session=session, calling_backend=backend, max_retries=0, **options)
    with CallHistoryClient(webex) as client:
        calls: dict[str, Callable[[], Any]] = {
            "fetch": lambda: client.get_call_history_data(sort_by=rng.choice(list(SortBy))),
            "mark": lambda: client.update_missed_calls([PAIR]),
            "delete": lambda: client.delete_call_history_records([PAIR]),
        }
        name = target if target in ("mark", "delete") else "fetch"
        if target in ("catalog", "device"):
            name = rng.choice(list(calls))
        try:
            answer = calls[name]()
        except CallHistoryError as error:
            return type(error).__name__, _fault_of(error, private)
        except BaseException as error:  # noqa: BLE001 - it is what is looked for
            return f"escaped: {type(error).__name__}", f"{type(error).__name__}: {error}"
        return ("success" if answer.ok else "failure"), _fault_of_answer(answer)


def _fault_of(error: CallHistoryError, private: list[str]) -> str | None:
    """Return the problem with an error of the library, if there is one."""
    if isinstance(error, DecodeError) and not (error.path and error.path in str(error)):
        return "a DecodeError that names no path"
    said: list[str] = []
    held: list[str] = []
    for link in chain(error):
        said += [str(link), repr(link), repr(link.args), repr(vars(link))]
        frame = link.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_filename != __file__:
                held += map(repr, frame.tb_frame.f_locals.values())
            frame = frame.tb_next
    told = [*private, PAIR["sessionId"]]
    # The call's own frame holds what was passed to it.
    leaked = shown(told, "\n".join(said)) or shown(private, "\n".join(held))
    return f"{type(error).__name__} shows {leaked!r}" if leaked else None


def _fault_of_answer(answer: Any) -> str | None:
    """Return what cannot be done with an answer, if there is something."""
    fault = unusable(answer)
    if fault is None and answer.ok and hasattr(answer, "__iter__"):
        faults = (unusable(session, lambda one: one.end_time_session_id) for session in answer)
        fault = next(filter(None, faults), None)
    return fault
