"""Clients of a sandbox: plain HTTP, a device, and the device's websocket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callhistory.sandbox import Sandbox
from tests.sandbox.device_client import Device, Line
from tests.sandbox.http_client import Http


@pytest.fixture
def http(cloud: Sandbox) -> Iterator[Http]:
    """Yield an HTTP client of the account holder."""
    with Http(cloud) as client:
        yield client


@pytest.fixture
def device(cloud: Sandbox) -> Device:
    """Return a registered device."""
    return Device(cloud)


@pytest.fixture
def line(device: Device) -> Iterator[Line]:
    """Yield a connection of the device that is ready."""
    with device.connected() as connected:
        yield connected
