"""The logger of the library, and the one that a user passes."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from callhistory import CallHistoryClient, Calling
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"


@pytest.mark.parametrize("make", [CallHistoryClient, Calling])
def test_failures_are_logged_to_the_logger_of_the_program(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture, make: Any
) -> None:
    """A logger that was passed gets the warnings about failed calls."""
    cloud.fail_next(HISTORY, status=404)

    with make(cloud.webex(), logger=logging.getLogger("billing.calls")) as made:
        getattr(made, "call_history", made).get_call_history_data()

    assert [record.name for record in caplog.records] == ["billing.calls"]


@pytest.mark.usefixtures("library_logger")
@pytest.mark.parametrize(
    ("name", "level"), [("debug", 10), ("INFO", 20), ("Warning", 30), ("error", 40)]
)
def test_logger_may_be_the_name_of_a_level(cloud: Sandbox, name: str, level: int) -> None:
    """The name of a level, in any case, is the level of the library's own logger."""
    CallHistoryClient(cloud.webex(), name)

    assert logging.getLogger("callhistory").level == level


@pytest.mark.usefixtures("library_logger")
def test_named_level_speaks_without_logging_set_up(
    cloud: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a notebook with no logging set up the messages go to standard error, once each."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    cloud.fail_next(HISTORY, status=404)

    for _ in range(3):
        client = CallHistoryClient(cloud.webex(), "warning")
    client.get_call_history_data()
    client.close()

    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if line.startswith("WARNING callhistory: ")]) == 1
    assert len(lines) == 1


@pytest.mark.usefixtures("library_logger")
def test_named_level_leaves_the_programs_logging_alone(cloud: Sandbox) -> None:
    """Where the program has set up logging, no handler is added to it."""
    logging.getLogger().addHandler(handler := logging.NullHandler())
    CallHistoryClient(cloud.webex(), "info")
    logging.getLogger().removeHandler(handler)

    assert logging.getLogger("callhistory").handlers == []


def test_library_logger_is_left_as_it_is(cloud: Sandbox) -> None:
    """Without a logger argument nothing about logging changes."""
    logger = logging.getLogger("callhistory")
    before = logger.level, logger.handlers[:], logger.propagate

    CallHistoryClient(cloud.webex())

    assert (logger.level, logger.handlers, logger.propagate) == before


@pytest.mark.parametrize(
    ("logger", "error", "text"),
    [
        ("loud", ValueError, "logger: expected one of .*INFO.*, not 'loud'"),
        ("", ValueError, "logger: expected one of .*, not ''"),
        (20, TypeError, "logger: expected a logging.Logger or a level's name, not int"),
        (logging, TypeError, "logger: .* not module"),
    ],
)
def test_wrong_logger_is_refused(
    cloud: Sandbox, logger: Any, error: type[Exception], text: str
) -> None:
    """What is neither a logger nor the name of a level is refused."""
    with pytest.raises(error, match=text):
        CallHistoryClient(cloud.webex(), logger)
