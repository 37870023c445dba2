"""Work that threads share: a value is fetched once, and few are fetched at the same time."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


def copy_for_this_thread(error: BaseException) -> BaseException:
    """Return a copy of another thread's error, to be raised in this one.

    Raising the same object would chain this thread's errors to it, and the other way round.
    """
    try:
        copied = copy.copy(error)
    except Exception:  # noqa: BLE001 - the class may be the user's
        return error
    copied.__cause__ = error.__cause__
    return copied


def _uses_its_own_client(function: str) -> RuntimeError:
    return RuntimeError(f"{function} must not use the client that is waiting for it")


class ErrorCheckingLock:
    """A lock that raises an error where a thread would deadlock on a lock that it already has.

    Args:
        function: the user's function that runs while a thread has the lock, named in the error.
    """

    def __init__(self, function: str) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._owner: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Acquire the lock; return whether it was acquired, which is certain only with ``wait``.

        Raises:
            RuntimeError: this thread already has the lock.
        """
        self.check()
        acquired = self._lock.acquire(blocking=wait)
        if acquired:
            self._owner = threading.get_ident()
        return acquired

    def check(self) -> None:
        """Raise a RuntimeError if this thread already has the lock."""
        if self._owner == threading.get_ident():
            raise _uses_its_own_client(self._function)

    def release(self) -> None:
        """Release the lock."""
        self._owner = None
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()


class TooLate(Exception, Generic[T]):  # noqa: N818 - an outcome, not a failure
    """A value was fetched that nobody wants any more: it was forgotten meanwhile.

    Attributes:
        value: the value.
    """

    def __init__(self, value: T) -> None:
        super().__init__()
        self.value = value


class SingleFlight(Generic[T]):
    """A value that is fetched at first need, by one thread on behalf of all that ask meanwhile.

    They share a failure, too. It is not remembered: the next thread that asks tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None
        self._fetching: int | None = None  # the thread that fetches the value

    def get(self, fetch: Callable[[], T], stop: threading.Event) -> T:
        """Return the value, after fetching it if necessary.

        Args:
            fetch: fetches the value, within its own deadlines.
            stop: is set when the caller is being closed. A failure is then not shared: another of
                the waiting threads fetches the value.

        Raises:
            TooLate: the value was forgotten while this thread fetched it.
            RuntimeError: the fetch itself asks for the value, in a function of the user's.
        """
        from concurrent.futures import CancelledError, Future  # at first use: it takes a while

        while True:
            with self._lock:
                flight = self._flight
                if flight is None:
                    started: Future[T] = Future()
                    self._flight = started
                    self._fetching = threading.get_ident()
                elif self._fetching == threading.get_ident() and not flight.done():
                    raise _uses_its_own_client("a function that returns or stores the token")
            if flight is None:
                return self._fetch(started, fetch, stop)
            try:
                error = flight.exception()
            except CancelledError:
                continue  # the thread that fetched has given up
            if error is None:
                return flight.result()
            raise copy_for_this_thread(error)

    def _fetch(self, flight: Future[T], fetch: Callable[[], T], stop: threading.Event) -> T:
        try:
            value = fetch()
            with self._lock:  # take() comes either before this, or after it
                if self._flight is flight:
                    flight.set_result(value)
                    return value
            raise TooLate(value)
        except BaseException as error:
            with self._lock:
                if self._flight is flight:
                    self._flight = None
            is_shared = isinstance(error, Exception) and not isinstance(error, TooLate)
            if is_shared and not stop.is_set():
                # A copy without frames, as those of this thread refer to the flight.
                flight.set_exception(copy_for_this_thread(error))
            else:
                flight.cancel()
            raise

    def peek(self) -> T | None:
        """Return the value if it has been fetched."""
        flight = self._flight
        if flight is None or not flight.done() or flight.cancelled() or flight.exception():
            return None
        return flight.result()

    def replace(self, old: T, new: T | None) -> None:
        """Replace a value, or forget it, unless another thread has already done so."""
        from concurrent.futures import Future

        flight: Future[T] | None = None
        if new is not None:
            flight = Future()
            flight.set_result(new)
        with self._lock:
            if self.peek() is old:
                self._flight = flight

    def take(self) -> T | None:
        """Return the value if it has been fetched; forget it, even while it is being fetched."""
        with self._lock:
            value = self.peek()
            self._flight = None
        return value


class Throttle:
    """A limit to how many threads do the same thing at once.

    Args:
        at_once: the largest number of threads.
    """

    def __init__(self, at_once: int) -> None:
        self._places = threading.BoundedSemaphore(at_once)

    @contextmanager
    def turn(self, longest_wait: float) -> Iterator[None]:
        """Wait for a turn, for at most ``longest_wait`` seconds; the turn ends with the block.

        After that time the block runs without a turn: a service that hangs must not stop others
        from trying.
        """
        has_place = self._places.acquire(timeout=longest_wait)
        try:
            yield
        finally:
            if has_place:
                self._places.release()


# However many clients start together, this many catalog and device requests run at once.
start_throttle = Throttle(8)
