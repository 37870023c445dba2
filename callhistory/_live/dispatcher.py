"""The thread in which handlers and receivers run, one at a time."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import blinker

from .. import signals

if TYPE_CHECKING:
    from .._logging import Log
    from .handlers import Handlers

_MANY = 1000


class Dispatcher:
    """Delivers events in the order of their arrival, in a separate thread.

    Args:
        sender: the sender of the signals: the client.
        handlers: the functions that are called before the signals' receivers.
        log: logs failures; it never raises.

    Attributes:
        thread: the thread that delivers.
    """

    def __init__(self, sender: Any, handlers: Handlers, log: Log) -> None:
        self._sender = sender
        self._handlers = handlers
        self._log = log
        self._queue: queue.SimpleQueue[tuple[blinker.NamedSignal, Any] | None] = queue.SimpleQueue()
        self._closing = False
        self._last: tuple[blinker.NamedSignal, Any] | None = None
        self._start_lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, name="callhistory-receivers", daemon=True)

    def start(self) -> None:
        """Start the thread unless it was started; two connections may be accepted at once."""
        with self._start_lock:
            if self.thread.ident is None:
                self.thread.start()

    def put(self, signal: blinker.NamedSignal, event: Any) -> None:
        """Queue an event for delivery."""
        self._queue.put((signal, event))
        if self._queue.qsize() == _MANY:
            self._log.warning("%d events are waiting for a slow receiver", _MANY)

    def close(self, last: tuple[blinker.NamedSignal, Any] | None = None) -> None:
        """End the thread after one last event, if there is one; drop the events still queued."""
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
        except Exception as error:  # noqa: BLE001 - such as one from a receiver's own attributes
            self._log.error("an event was not delivered: %s", type(error).__name__)


def deliver(
    signal: blinker.NamedSignal,
    sender: Any,
    event: Any,
    log: Log,
    handlers: Iterable[signals.Receiver] = (),
) -> None:
    """Call handlers with an event, then the signal's receivers; a failure stops no other one."""
    for handler in handlers:
        failure = _failure_of(handler, event)
        if failure is not None:
            _report(handler, event, failure, sender, log)
    for receiver in () if signal.is_muted else list(signal.receivers_for(sender)):
        failure = _failure_of(receiver, sender, event=event)
        if failure is not None and signal is not signals.receiver_failed:
            _report(receiver, event, failure, sender, log)
        elif failure is not None:
            _log_failure(receiver, failure, log)


def _failure_of(receiver: signals.Receiver, *args: Any, **kwargs: Any) -> BaseException | None:
    try:
        returned = receiver(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - not even SystemExit stops the other receivers
        return error
    if inspect.iscoroutine(returned):
        returned.close()
        return TypeError("a receiver must not be async: it runs in a thread without an event loop")
    return None


def _report(
    receiver: signals.Receiver, event: Any, failure: BaseException, sender: Any, log: Log
) -> None:
    _log_failure(receiver, failure, log)
    failed = signals.ReceiverFailed(receiver=receiver, event=event, exception=failure)
    deliver(signals.receiver_failed, sender, failed, log)


def _log_failure(receiver: signals.Receiver, failure: BaseException, log: Log) -> None:
    """Log which receiver failed and where, without the error's text, which may be private."""
    traceback = failure.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    where = ""
    if traceback is not None:
        code = traceback.tb_frame.f_code
        where = f" in {code.co_name}, {code.co_filename}:{traceback.tb_lineno}"
    name = getattr(receiver, "__qualname__", type(receiver).__name__)
    log.error("receiver %s raised %s%s", name, type(failure).__name__, where)
