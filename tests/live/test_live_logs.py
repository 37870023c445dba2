"""What no log record of any logger holds, whatever happens while live events are heard."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from attrs import evolve

from callhistory import CallHistoryClient, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK
from tests.support.listening_clients import DELETED, RECENT, VIEWED, listening
from tests.support.outages import HISTORY
from tests.support.waiting import wait_until

SECRET = "sEcReT"
NUMBER = "+15550100199"


class Records(logging.Handler):
    """Keeps all that a log record holds, as text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        formatted = logging.Formatter("%(name)s %(message)s").format(record)
        self.texts.append(f"{formatted}\n{vars(record)!r}")


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Any:
    handler = Records()
    root = logging.getLogger()
    root.addHandler(handler)
    with caplog.at_level(logging.DEBUG):
        yield handler
    root.removeHandler(handler)


def test_nobody_is_in_the_log(
    cloud: Sandbox, records: Records, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tokens, names, numbers and session ids are in no record, at no level, of no logger."""
    tokens: list[str] = []

    def source() -> str:
        if len(tokens) == 2:
            tokens.append("")
            raise RuntimeError(SECRET)
        tokens.append(cloud.issue_token())
        return tokens[-1]

    def fail(event: Any) -> None:
        raise ValueError(SECRET, event)

    limits = evolve(BRISK, device_refresh=0.05)
    with listening(cloud, access_token=source, max_retries=1, _limits=limits) as (client, heard):
        for name in (RECENT, VIEWED, DELETED):
            client.on(name, fail)
        session = cloud.place_call(name=f"Ada {SECRET}", phone_number=NUMBER)
        heard.wait_for_sessions(1)
        with CallHistoryClient(cloud.webex()) as phone:
            phone.update_missed_calls([session])
            phone.delete_call_history_records([session])
        heard.wait_for(signals.ReceiverFailed, 3)

        (frame,) = cloud.wait_for_frames("janus.user_recent_sessions")
        envelope = frame.json
        (whole,) = envelope["data"]["userSessions"]["userSessions"]
        for number, (field, value) in enumerate(
            [
                ("startTime", SECRET),
                ("endTime", None),
                ("disposition", {SECRET: NUMBER}),
                ("direction", SECRET),
                ("durationSeconds", SECRET),
                ("other", [SECRET]),
                ("correlationIds", {SECRET: 1}),
                ("unnamed", SECRET),
            ]
        ):
            broken = {**whole, "sessionId": f"{SECRET}{number}", field: value}
            envelope["data"]["userSessions"]["userSessions"] = [broken, whole]
            cloud.send_frame({**envelope, "id": number})
        cloud.send_frame(f'{{"id": "{SECRET}", "data": "{SECRET}"}}')
        cloud.send_frame(f"{SECRET}" * 100)
        cloud.send_frame({"id": SECRET, "data": {"eventType": SECRET, "headers": {SECRET: SECRET}}})
        cloud.wait_for_frames("ack", direction="received", count=12)

        cloud.go_offline()
        missed = cloud.place_call(name=f"Bob {SECRET}", phone_number=NUMBER)
        cloud.fail_next(HISTORY, body={"userSessions": {SECRET: 1}}, times=2)
        cloud.fail_next(HISTORY, body=f'{{"{SECRET}": {SECRET}', times=2)
        cloud.fail_next(HISTORY, reset=True, times=3)
        cloud.fail_next("/devices/", method="PUT", body={"url": f"https://{SECRET}.example"})
        cloud.go_online()
        assert wait_until(lambda: missed.session_id in heard.session_ids)

        cloud.expire_token()
        cloud.close_connections(4401, "not authorized")
        cloud.wait_for_connections(3)
        cloud.drop_connections()
        cloud.wait_for_connections(4)
        cloud.go_offline()
        cloud.fail_next(HISTORY, body={"userSessions": [{**whole, "startTime": SECRET}]})
        cloud.go_online()
        cloud.wait_for_connections(5)
        assert wait_until(lambda: "left out" in "\n".join(records.texts))
        cloud.close_connections(4403, "forbidden")
        with pytest.raises(ListenError):
            client.wait(10)

    everything = "\n".join(records.texts)
    people = [cloud.user, *cloud.contacts]
    secrets = [SECRET, NUMBER, session.session_id, missed.session_id, cloud.access_token, *tokens]
    secrets += [person.name for person in people] + [person.phone_number for person in people]
    for secret in filter(None, secrets):
        assert secret not in everything
    assert len(records.texts) > 20
    assert capfd.readouterr() == ("", "")
