"""Fixtures for pytest, to test your own receivers against a Webex on this machine.

Install ``callhistory[sandbox]``, and pytest finds them. Tests that do not use them are unaffected.

``webex_sandbox``
    A running :class:`callhistory.sandbox.Sandbox`, new for each test. ``place_call()`` adds a call
    to the history and sends a live event. During the test, ``WEBEX_ACCESS_TOKEN`` and
    ``U2C_SERVICE_URL`` refer to it, so that any ``CallHistoryClient()`` of your code uses it too.
``call_history_client``
    A :class:`callhistory.CallHistoryClient` of this sandbox, which is closed after the test.

``examples/test_my_receiver.py`` is a complete example. Events arrive in another thread, so a test
waits for the effects of its receiver, with a timeout::

    import queue

    def test_a_missed_call_is_posted(webex_sandbox, call_history_client):
        posted = queue.Queue()
        tell_of_missed_calls(call_history_client, post=posted.put)
        call_history_client.listen()

        webex_sandbox.place_call(name="Ada", disposition="MISSED")

        assert posted.get(timeout=10) == "Missed: Ada"

If pytest does not load plugins by itself (``PYTEST_DISABLE_PLUGIN_AUTOLOAD``), load this one with
``-p callhistory.testing``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._client import CallHistoryClient
    from .sandbox import Sandbox


@pytest.fixture
def webex_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Yield a running callhistory.sandbox.Sandbox: a Webex on this machine, new for each test.

    During the test, WEBEX_ACCESS_TOKEN and U2C_SERVICE_URL refer to it, so that any
    CallHistoryClient() of the tested code uses it too, and never a real account.
    """
    try:
        from .sandbox import Sandbox
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    with Sandbox() as cloud:
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", cloud.access_token)
        monkeypatch.setenv("U2C_SERVICE_URL", cloud.u2c_url)
        yield cloud


@pytest.fixture
def call_history_client(webex_sandbox: Sandbox) -> Iterator[CallHistoryClient]:
    """Yield a callhistory.CallHistoryClient of the sandbox, which is closed after the test."""
    from ._client import CallHistoryClient

    with webex_sandbox.webex() as webex, CallHistoryClient(webex) as client:
        yield client
