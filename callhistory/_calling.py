"""Calling: the call history as a module of it, as in the Webex documentation."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from ._client import CallHistoryClient
from ._http.token_source import TokenSource
from ._webex.account import Webex


class Calling:
    """Webex Calling, as far as this library goes: its call history.

    Args:
        webex: as for :class:`CallHistoryClient`.
        logger: as for :class:`CallHistoryClient`.
    """

    def __init__(
        self,
        webex: Webex | str | TokenSource | None = None,
        logger: logging.Logger | str | None = None,
    ) -> None:
        self._call_history = CallHistoryClient(webex, logger)

    @property
    def call_history(self) -> CallHistoryClient:
        """The client of the call history; always the same one."""
        return self._call_history

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {self._call_history!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client of the call history."""
        self._call_history.close()
