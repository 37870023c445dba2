"""What close() promises: how long it takes, and that nothing is left behind."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from callhistory.sandbox import Sandbox
from tests.support.listening_clients import library_threads
from tests.support.waiting import wait_until

LONGEST = 5.0
NOT_ON_WINDOWS = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGINT for another thread or process"
)


@contextmanager
def bounded() -> Iterator[None]:
    """Assert that a block, which closes a client, takes no longer than close() may."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST


def expect_nothing_left(cloud: Sandbox) -> None:
    """Assert that closed clients have left no device, thread or connection behind."""
    assert cloud.devices == ()
    assert wait_until(lambda: not library_threads()), library_threads()
    assert not any(connection.is_open for connection in cloud.wait_for_attempts())


@contextmanager
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Return a function that presses Ctrl-C, which a process in the background would ignore."""
    main = threading.main_thread().ident
    assert main is not None
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield lambda: signal.pthread_kill(main, signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
