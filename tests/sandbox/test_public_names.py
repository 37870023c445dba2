"""What `callhistory.sandbox` exports."""

from __future__ import annotations

import pickle
import typing

import pytest

import callhistory.sandbox
from callhistory.sandbox import Sandbox
from tests.sandbox.device_client import Device

EXPORTED = [getattr(callhistory.sandbox, name) for name in callhistory.sandbox.__all__]


@pytest.mark.parametrize("exported", EXPORTED)
def test_names_where_it_is_imported_from(exported: type) -> None:
    """A public class says `callhistory.sandbox` as its module."""
    assert exported.__module__ == "callhistory.sandbox"


@pytest.mark.parametrize("exported", EXPORTED)
def test_type_hints_can_be_resolved(exported: type) -> None:
    """The annotations of a public class, its methods and properties name types that exist."""
    typing.get_type_hints(exported)
    for name in dir(exported):
        member = getattr(exported, name)
        function = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and callable(function):
            assert "return" in typing.get_type_hints(function)


def test_values_can_be_pickled(cloud: Sandbox, device: Device) -> None:
    """People, devices and requests are the same after they were pickled."""
    for value in (cloud.user, cloud.devices[0], cloud.requests[0]):
        assert pickle.loads(pickle.dumps(value)) == value
