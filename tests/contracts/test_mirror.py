"""The tests stand in the same rooms as the library: each module has its file, or a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.test_layers import MODULES, room_of

TESTS = Path(__file__).parents[1]

# Why a module of the library has no test file of its own name.
REASONS = {
    "__init__": "contracts/test_exports.py is about the public names",
    "_version": "contracts/test_exports.py looks at the version",
    "_public": "contracts/test_exports.py looks at what is public",
    "_limits": "the numbers are tested where they hold",
    "_client": "client/ has a file for each topic",
    "_redefined_functions": "test_signals.py and live/test_handlers.py test both its uses",
    "_records": "a room",
    "_records.from_wire": "records/test_decode.py tests what it reads with",
    "_http": "a room",
    "_webex": "a room",
    "_live": "a room",
}


def file_of(module: str) -> Path:
    """Return where a stranger looks for the tests of a module."""
    *rooms, name = module.split(".")
    folder = TESTS.joinpath(*(room.strip("_") for room in rooms))
    return folder / f"test_{name.strip('_')}.py"


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) != "sandbox"])
def test_each_module_has_its_test_file(module: str) -> None:
    """A module's tests stand in a file of its name, in the room of its name, or a reason does."""
    assert file_of(module).is_file() != (module in REASONS)


@pytest.mark.parametrize("module", REASONS)
def test_a_reason_is_for_a_module_that_is_there(module: str) -> None:
    """No reason outlives its module."""
    assert module in MODULES
