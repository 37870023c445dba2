"""A set that forgets what it has not met for long."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable


class Seen:
    """Remembers the last so many things that it met; any thread may ask it.

    Args:
        size: how many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._met: OrderedDict[Hashable, None] = OrderedDict()

    def meet(self, thing: Hashable) -> bool:
        """Remember a thing; tell whether it was met before."""
        with self._lock:
            known = thing in self._met
            self._met[thing] = None
            self._met.move_to_end(thing)
            if len(self._met) > self._size:
                self._met.popitem(last=False)
            return known
