"""What one thread does for all of them, such as fetching a value at first need, once."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Generic, TypeVar

T = TypeVar("T")


def _from_within(function: str) -> RuntimeError:
    return RuntimeError(f"{function} uses the client that waits for it; let it do without")


def own_copy(error: BaseException) -> BaseException:
    """Copy another thread's error: what that thread was handling is nobody else's business."""
    try:
        copied = copy.copy(error)
    except Exception:  # noqa: BLE001 - of a class of the user's
        return error
    copied.__cause__ = error.__cause__
    return copied


class Alone:
    """A lock that refuses a thread that has it, where another lock would wait for ever.

    Args:
        function: the function of the user's that runs while a thread has it.
    """

    def __init__(self, function: str) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._owner: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take it; tell whether that was possible, if it is not to be waited for.

        Raises:
            RuntimeError: this thread has it.
        """
        self.check()
        taken = self._lock.acquire(blocking=wait)
        if taken:
            self._owner = threading.get_ident()
        return taken

    def check(self) -> None:
        """Do nothing, unless this thread has it.

        Raises:
            RuntimeError: it has.
        """
        if self._owner == threading.get_ident():
            raise _from_within(self._function)

    def release(self) -> None:
        """Give it back."""
        self._owner = None
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()


class Once(Generic[T]):
    """Fetches a value at first need. Those who ask meanwhile wait for it, and share a failure.

    A failure is not remembered: who asks after it, tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None
        self._fetching: int | None = None  # the thread that does

    def get(
        self,
        fetch: Callable[[], T],
        too_late: Callable[[T], None] | None = None,
        *,
        gave_up: Callable[[], bool] = lambda: False,
    ) -> T:
        """Give the value, and fetch it with ``fetch`` if nobody did.

        A value that comes after :meth:`take` is passed to ``too_late``, which may raise. A failure
        of a thread that ``gave_up`` is its own: another of those who wait fetches the value.

        Raises:
            RuntimeError: the fetch itself asks for it, by way of a function of the user's.
        """
        while True:
            with self._lock:
                flight = self._flight
                if flight is None:
                    own = self._flight = Future()
                    self._fetching = threading.get_ident()
                elif self._fetching == threading.get_ident() and not flight.done():
                    raise _from_within("a function that gives or stores the token")
            if flight is None:
                return self._fetch(own, fetch, too_late, gave_up)
            try:
                error = flight.exception()  # as long as the fetch takes; it has its own deadlines
            except CancelledError:
                continue  # whoever fetched was interrupted: somebody else has to
            if error is None:
                return flight.result()
            raise own_copy(error)  # raising the same would make this thread's errors its context

    def _fetch(
        self,
        flight: Future[T],
        fetch: Callable[[], T],
        too_late: Callable[[T], None] | None,
        gave_up: Callable[[], bool],
    ) -> T:
        try:
            value = fetch()
            with self._lock:  # take() either finds it, or was there before
                if kept := self._flight is flight:
                    flight.set_result(value)
            if not kept:
                if too_late is not None:
                    too_late(value)
                flight.set_result(value)
        except BaseException as error:
            self._drop(flight)
            if isinstance(error, Exception) and not gave_up():
                flight.set_exception(error)
            else:
                flight.cancel()
            raise
        return value

    def _drop(self, flight: Future[T]) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None

    def peek(self) -> T | None:
        """Give the value if it is there."""
        flight = self._flight
        if flight is None or not flight.done() or flight.cancelled() or flight.exception():
            return None
        return flight.result()

    def replace(self, old: T, new: T | None) -> None:
        """Replace a value, or forget it, unless somebody else did."""
        flight: Future[T] | None = None
        if new is not None:
            flight = Future()
            flight.set_result(new)
        with self._lock:
            if self.peek() is old:
                self._flight = flight

    def take(self) -> T | None:
        """Give the value if it is there, and forget it."""
        with self._lock:
            value = self.peek()
            self._flight = None
        return value
