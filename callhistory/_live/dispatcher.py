"""The thread that receivers run in, one at a time."""

from __future__ import annotations

import queue
import threading
from typing import Any

import blinker

from .._logging import Log
from ..signals import deliver
from .handlers import Handlers

_MANY = 1000


class Dispatcher:
    """Delivers events in the order in which they came, from :attr:`thread`.

    Args:
        sender: what the signals carry as their sender.
        handlers: the functions that hear an event before the signals' receivers.
        log: where failures are said; it raises nothing.
    """

    def __init__(self, sender: Any, handlers: Handlers, log: Log) -> None:
        self._sender = sender
        self._handlers = handlers
        self._log = log
        self._queue: queue.SimpleQueue[tuple[blinker.NamedSignal, Any] | None] = queue.SimpleQueue()
        self._closing = False
        self._last: tuple[blinker.NamedSignal, Any] | None = None
        self.thread = threading.Thread(target=self._run, name="callhistory-receivers", daemon=True)

    def start(self) -> None:
        """Start the thread; harmless if it runs."""
        if self.thread.ident is None:
            self.thread.start()

    def put(self, signal: blinker.NamedSignal, event: Any) -> None:
        """Let an event be delivered after those that came before it."""
        self._queue.put((signal, event))
        if self._queue.qsize() == _MANY:
            self._log.warning("%d events wait for a slow receiver", _MANY)

    def close(self, last: tuple[blinker.NamedSignal, Any] | None = None) -> None:
        """Deliver nothing more, but for one last event; the thread then ends."""
        self._last = last
        self._closing = True
        self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._closing:
                break
            self._deliver(*item)
        if not self._queue.empty():
            self._log.info("closed: %d events were not delivered", self._queue.qsize())
        if self._last is not None:
            self._deliver(*self._last)

    def _deliver(self, signal: blinker.NamedSignal, event: Any) -> None:
        try:
            deliver(signal, self._sender, event, self._log, self._handlers.of(signal.name))
        except Exception as error:  # noqa: BLE001 - such as of a receiver that is odd to look at
            self._log.error("an event was not delivered: %s", type(error).__name__)
