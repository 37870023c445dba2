"""The names of the Webex documentation: Calling, and a function that makes the client."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from ._client import CallHistoryClient
from ._http.token_source import TokenFunction
from ._public import public
from ._redaction import without_frames
from ._webex.account import Webex


@public
@without_frames
def create_call_history_client(
    webex: Webex | str | TokenFunction | None = None,
    logger: logging.Logger | str | None = None,
) -> CallHistoryClient:
    """Return a :class:`CallHistoryClient`, under the name that the Webex documentation uses.

    Args:
        webex: as for :class:`CallHistoryClient`.
        logger: as for :class:`CallHistoryClient`.
    """
    return CallHistoryClient(webex, logger)


@public
class Calling:
    """Webex Calling, as far as this library goes: its call history.

    Args:
        webex: as for :class:`CallHistoryClient`.
        logger: as for :class:`CallHistoryClient`.
    """

    @without_frames
    def __init__(
        self,
        webex: Webex | str | TokenFunction | None = None,
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
