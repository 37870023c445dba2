"""Calling: the call history as a module of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from callhistory import AuthenticationError, CallHistoryClient, Calling
from callhistory.sandbox import Sandbox


@pytest.mark.parametrize("form", ["webex", "token", "callable", "environment"])
def test_calling_has_a_call_history(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Calling is made as a client is, and has one; leaving it deletes the device."""
    token = cloud.access_token
    monkeypatch.setenv("U2C_SERVICE_URL", cloud.u2c_url)
    if form == "environment":
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", token)
    arguments: dict[str, Any] = {"webex": cloud.webex(), "token": token, "callable": lambda: token}

    with Calling(arguments.get(form)) as calling:
        assert isinstance(calling.call_history, CallHistoryClient)
        assert calling.call_history is calling.call_history
        assert calling.call_history.get_call_history_data().ok
        assert cloud.devices

    assert not cloud.devices
    with pytest.raises(RuntimeError, match="closed"):
        calling.call_history.get_call_history_data()


def test_close_may_be_called_twice(cloud: Sandbox) -> None:
    """Closing a Calling closes its client, and closing either again is harmless."""
    calling = Calling(cloud.webex())
    calling.call_history.get_call_history_data()

    calling.close()
    calling.call_history.close()
    calling.close()

    assert len(cloud.requests_to("/devices", "DELETE")) == 1


def test_logger_is_the_clients(cloud: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The logger of a Calling is the one that failed calls are told to."""
    cloud.fail_next("/catalog", status=403)

    with Calling(cloud.webex(), logger=logging.getLogger("billing")) as calling:
        calling.call_history.get_call_history_data()

    assert [record.name for record in caplog.records] == ["billing"]


def test_call_history_cannot_be_replaced(cloud: Sandbox) -> None:
    """The client of a Calling is read-only."""
    with Calling(cloud.webex()) as calling, pytest.raises(AttributeError):
        calling.call_history = None  # type: ignore[misc, assignment] # that is the point


def test_calling_without_a_token_is_an_authentication_error() -> None:
    """Without a token there is no Calling."""
    with pytest.raises(AuthenticationError):
        Calling()


def test_repr_has_the_client(cloud: Sandbox) -> None:
    """The repr tells the client, and not the token."""
    with Calling(cloud.webex()) as calling:
        assert repr(calling) == f"<Calling with {calling.call_history!r}>"
        assert cloud.access_token not in repr(calling)
