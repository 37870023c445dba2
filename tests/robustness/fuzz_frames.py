"""Mutated frames of live events, before and after readiness."""

from __future__ import annotations

import json
import logging
import random

from callhistory import CallingBackend, DecodeError
from callhistory._live.event_reader import read_event, session_ids
from callhistory._live.protocol import Deliver, Malformed, Mercury, Ready, Send
from callhistory._logging import Log, NeverRaisingLog
from callhistory._records.strict_json import read_json
from tests.robustness.fuzz_watch import Finding, Report, Watch, private_words, unusable
from tests.robustness.mutations import mutate
from tests.support.wire_samples import Wire, a_session, sandbox_page


def real_envelope(rng: random.Random) -> Wire:
    """Return an envelope as Webex sends it: an event of one of the kinds, or readiness."""
    page = rng.sample(sandbox_page(rng.choice(list(CallingBackend))), rng.randrange(1, 3))
    ids = [session["sessionId"] for session in page]
    read = {"userReadSessions": [{"sessionId": i} for i in ids], "statusCode": 0}
    recent = {"userSessions": [*page, a_session()], "statusCode": 0}
    data: Wire = rng.choice(
        (
            {"eventType": "janus.user_recent_sessions", "userSessions": recent},
            {"eventType": "janus.user_sessions", "userSessions": recent},
            {"eventType": "janus.user_viewed_sessions", "userReadSessions": read},
            {"eventType": "janus.user_sessions_deleted", "deletedSessions": ids},
            {"eventType": "mercury.buffer_state", "bufferState": {"janus": "EMPTY"}},
        )
    )
    if rng.random() < 0.3:
        data["headers"] = {"data.a.b": "c", "eventType": data["eventType"], "userSessions.a": 1}
    return {
        "id": "4d9b7f30-5a2e-4c11-b1c8-00000000000e",
        "data": data,
        "timestamp": 1772355600250,
        "trackingId": "SANDBOX_1",
        "sequenceNumber": rng.randrange(5),
        "alertType": "none",
        "filterMessage": False,
        "headers": {},
    }


READINESS = json.dumps({"id": "1", "data": {"eventType": "mercury.buffer_state"}})


def fuzz_frames(count: int, rng: random.Random, report: Report, watch: Watch) -> None:
    """Receive so many mutated frames, before and after readiness."""
    log = NeverRaisingLog(logging.getLogger("callhistory"), {})
    mercury, now = Mercury(0.0), 0.0
    for _ in range(count):
        if rng.random() < 0.3:
            mercury, now = Mercury(now), now + 1.0
            if rng.random() < 0.7:
                mercury.receive(READINESS, now)
        document = real_envelope(rng)
        body = mutate(document, rng)
        # Text that is no UTF-8 never comes as text; one with surrogates is worth a try.
        text = body.decode("utf-8", "surrogateescape")
        frame: str | bytes = body if rng.random() < 0.2 else text
        private = private_words(document["data"])
        try:
            outcome, problem = _outcome_of_frame(mercury, frame, now, log)
        except BaseException as error:  # noqa: BLE001 - it is what the fuzzing is for
            outcome = f"escaped: {type(error).__name__}"
            problem = f"{type(error).__name__}: {error}"
        report.outcomes["frame", outcome] += 1
        for found in (problem, watch.take(private)):
            if found is not None:
                report.findings.append(Finding("frame", found, frame))


def _outcome_of_frame(
    mercury: Mercury, frame: str | bytes, now: float, log: Log
) -> tuple[str, str | None]:
    """Receive a frame; return its outcome, and what is wrong with it, if anything is."""
    outputs = mercury.receive(frame, now)
    mercury.tick(now)
    kinds = [type(output).__name__ for output in outputs]
    answered = [json.loads(output.text) for output in outputs if isinstance(output, Send)]
    if _wants_acknowledgement(frame) != any(sent.get("type") == "ack" for sent in answered):
        return "not acknowledged", f"an acknowledgement is missing, or one too many: {kinds}"
    if any(isinstance(output, Ready) for output in outputs):
        kinds.append("ready")
    outcome = "ready" if "ready" in kinds else "nothing to do"
    for output in outputs:
        if isinstance(output, Malformed):
            return f"malformed: {output.what}", None
        if isinstance(output, Deliver):
            found = read_event(output.envelope, log)
            if found is None:
                return ("ready" if "ready" in kinds else "no event"), None
            _, event = found
            return "event", unusable(event, session_ids)
    return outcome, None


def _wants_acknowledgement(frame: str | bytes) -> bool:
    try:
        document = read_json(frame)
    except DecodeError:
        return False
    if not isinstance(document, dict):
        return False
    return type(document.get("id")) in (str, int) and document.get("type") not in ("ping", "pong")
