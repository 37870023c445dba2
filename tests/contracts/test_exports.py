"""The public names: which they are, and that each is explained."""

from __future__ import annotations

import ast
import importlib.resources
import inspect
import pickle
import typing
from pathlib import Path
from types import FunctionType, ModuleType

import attrs
import pytest

import callhistory

PUBLIC = {
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
}
EXPLAINED = sorted(PUBLIC - {"__version__"})
BODY = ast.parse(Path(inspect.getfile(callhistory)).read_text("utf-8")).body
# The rooms whose public names say that they are the package's; the others will join them.
ROOMS_THAT_SAY_CALLHISTORY = ("_records",)
MARKED = [
    alias.name
    for node in BODY
    if isinstance(node, ast.ImportFrom)
    and (node.module or "").startswith(ROOMS_THAT_SAY_CALLHISTORY)
    for alias in node.names
]


def test_the_public_names_are_these() -> None:
    """The names that the library promises change on purpose only, and stand in order."""
    assert callhistory.__all__ == sorted(PUBLIC)


def test_nothing_else_is_in_the_package() -> None:
    """What is in the package without an underscore is promised, or one of its modules."""
    others = {
        name
        for name, value in vars(callhistory).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert others <= PUBLIC


def test_the_package_only_names_what_it_takes_from_its_modules() -> None:
    """The package's own file has a docstring, imports and ``__all__``, and no code."""
    assert isinstance(BODY[0], ast.Expr)
    assert isinstance(BODY[-1], ast.Assign)
    assert all(isinstance(node, ast.ImportFrom) and node.level == 1 for node in BODY[1:-1])


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_public_name_has_a_docstring_of_its_own(name: str) -> None:
    """Each public class, function, method and property says what it is, in words of its own."""
    value = getattr(callhistory, name)
    inherited = {base.__doc__ for base in getattr(value, "__mro__", ())[1:]}

    assert value.__doc__
    assert value.__doc__ not in inherited
    assert not value.__doc__.startswith("Method generated")
    for attribute, held in vars(value).items() if inspect.isclass(value) else ():
        if not attribute.startswith("_") and isinstance(held, (FunctionType, property)):
            assert held.__doc__, f"{name}.{attribute}"


@pytest.mark.parametrize("name", MARKED)
def test_a_public_class_or_function_says_callhistory_as_its_module(name: str) -> None:
    """Reprs, pickles and documentation show the name that a user imports."""
    value = getattr(callhistory, name)

    assert value.__module__ == "callhistory"
    assert pickle.loads(pickle.dumps(value)) is value


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_annotations_of_a_public_class_can_be_resolved(name: str) -> None:
    """typing.get_type_hints() finds the type of every attribute of a public class."""
    value = getattr(callhistory, name)
    if not inspect.isclass(value):
        return

    hints = typing.get_type_hints(value)

    fields = attrs.fields(value) if attrs.has(value) else ()
    assert {field.name for field in fields} <= hints.keys()


def test_the_package_is_typed() -> None:
    """The marker that tells type checkers to read the annotations is in the package."""
    assert importlib.resources.files(callhistory).joinpath("py.typed").is_file()


def test_the_version_is_three_numbers() -> None:
    """The version is one that semantic versioning orders."""
    parts = callhistory.__version__.split(".")

    assert len(parts) == 3
    assert all(part.isdecimal() for part in parts)
