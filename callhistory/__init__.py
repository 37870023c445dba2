"""The Webex call history, from Python: fetch it, mark missed calls read, delete records."""

from . import signals
from ._version import __version__
from .calling import Calling
from .client import CallHistoryClient, create_call_history_client
from .dataframes import to_dataframe
from .enums import (
    CallHistoryEvent,
    CallingBackend,
    Direction,
    Disposition,
    SessionType,
    Sort,
    SortBy,
)
from .errors import (
    ApiError,
    AuthenticationError,
    CallHistoryError,
    DecodeError,
    ListenError,
    TokenRefusedError,
    TransportError,
)
from .grants import TokenGrant
from .models import (
    CallingSpecifics,
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    CallSessionData,
    CallSessionDeletedData,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedData,
    CallSessionViewedEvent,
    RedirectionDetails,
    UserReadSession,
    UserReadSessions,
    UserSession,
    UserSessions,
)
from .pairs import EndTimeSessionId
from .results import (
    DeleteCallHistoryRecordsResponse,
    DeleteStatusData,
    HistoryData,
    JanusResponseEvent,
    ReadStatusData,
    UpdateMissedCallsResponse,
)
from .webex import Webex
from .wire import from_wire, to_wire

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
