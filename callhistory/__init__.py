"""The Webex call history, from Python: fetch it, mark missed calls read, delete records."""

from . import signals
from ._client import CallHistoryClient, Calling, create_call_history_client
from ._errors import (
    ApiError,
    AuthenticationError,
    CallHistoryError,
    DecodeError,
    ListenError,
    TokenRefusedError,
    TransportError,
)
from ._http.token_refresh import TokenGrant
from ._records.dataframe import to_dataframe
from ._records.encode import to_wire
from ._records.enums import (
    CallHistoryEvent,
    CallingBackend,
    Direction,
    Disposition,
    SessionType,
    Sort,
    SortBy,
)
from ._records.events import (
    CallSessionData,
    CallSessionDeletedData,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedData,
    CallSessionViewedEvent,
    UserReadSession,
    UserReadSessions,
    UserSessions,
)
from ._records.from_wire import from_wire
from ._records.responses import (
    DeleteCallHistoryRecordsResponse,
    DeleteStatusData,
    HistoryData,
    JanusResponseEvent,
    ReadStatusData,
    UpdateMissedCallsResponse,
)
from ._records.sessions import (
    CallingSpecifics,
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    EndTimeSessionId,
    RedirectionDetails,
    UserSession,
)
from ._version import __version__
from ._webex.webex import Webex

__all__ = [
    "ApiError",
    "AuthenticationError",
    "CallHistoryClient",
    "CallHistoryError",
    "CallHistoryEvent",
    "CallRecordLink",
    "CallRecordListOther",
    "CallRecordSelf",
    "CallSessionData",
    "CallSessionDeletedData",
    "CallSessionDeletedEvent",
    "CallSessionEvent",
    "CallSessionViewedData",
    "CallSessionViewedEvent",
    "Calling",
    "CallingBackend",
    "CallingSpecifics",
    "DecodeError",
    "DeleteCallHistoryRecordsResponse",
    "DeleteStatusData",
    "Direction",
    "Disposition",
    "EndTimeSessionId",
    "HistoryData",
    "JanusResponseEvent",
    "ListenError",
    "ReadStatusData",
    "RedirectionDetails",
    "SessionType",
    "Sort",
    "SortBy",
    "TokenGrant",
    "TokenRefusedError",
    "TransportError",
    "UpdateMissedCallsResponse",
    "UserReadSession",
    "UserReadSessions",
    "UserSession",
    "UserSessions",
    "Webex",
    "__version__",
    "create_call_history_client",
    "from_wire",
    "signals",
    "to_dataframe",
    "to_wire",
]
