"""The devices that are registered with a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import uuid4

import attrs

from callhistory._records.timestamps import write_time
from callhistory.sandbox._world.addresses import WDM, Addresses

Clock = Callable[[], datetime]
_LONGEST_TTL = 366 * 24 * 3600  # seconds
_NAMING = ("name", "deviceType", "model", "localizedModel", "systemName", "systemVersion")


class ExcessiveDevicesError(Exception):
    """The user has as many devices as are allowed."""


class RegistrationError(ValueError):
    """The body of a registration breaks a rule."""


@attrs.frozen
class Device:
    """A registered device.

    Attributes:
        url: its own address.
        web_socket_url: where its websocket is.
        user_id: whose device it is.
        body: what it told about itself, in wire form.
        modified_at: when it was registered or refreshed last.
        expires_at: when it is gone unless it is refreshed; ``None`` if it never is.
    """

    url: str
    web_socket_url: str
    user_id: str
    body: Mapping[str, Any] = attrs.field(repr=False)
    modified_at: datetime
    expires_at: datetime | None

    @property
    def name(self) -> str:
        """The name it registered with."""
        return str(self.body["name"])

    def to_wire(self) -> dict[str, Any]:
        """Write the device down, without what depends on the user and the catalog."""
        return {
            **self.body,
            "url": self.url,
            "webSocketUrl": self.web_socket_url,
            "userId": self.user_id,
            "modificationTime": write_time(self.modified_at),
        }


class Devices:
    """The registrations of all users; any thread may call it."""

    def __init__(self, addresses: Addresses, clock: Clock, limit: int) -> None:
        self._addresses = addresses
        self._clock = clock
        self._limit = limit
        self._registered: dict[str, Device] = {}
        self._stale: set[str] = set()
        self._lock = Lock()

    def register(self, user_id: str, body: object) -> Device:
        """Register a new device.

        Raises:
            RegistrationError: the body breaks a rule, which the error names.
            ExcessiveDevicesError: the user has as many as are allowed.
        """
        told = _checked(body, required=_NAMING)
        now = self._now()
        device = Device(
            url=self._addresses.http(f"{WDM}/devices/{uuid4()}"),
            web_socket_url=self._addresses.registration(str(uuid4())),
            user_id=user_id,
            body=told,
            modified_at=now,
            expires_at=_expiry(now, told),
        )
        with self._lock:
            if len(self._present(user_id)) >= self._limit:
                raise ExcessiveDevicesError
            self._registered[device.url] = device
        return device

    def of(self, user_id: str | None = None) -> tuple[Device, ...]:
        """Give the devices of a user, or all of them, in the order of their registration."""
        with self._lock:
            return self._present(user_id)

    def find(self, url: str, user_id: str | None = None) -> Device | None:
        """Find a device that is still registered, by its address and perhaps its user."""
        return next((device for device in self.of(user_id) if device.url == url), None)

    def at_websocket(self, url: str) -> Device | None:
        """Find the device that has its websocket at an address, unless that was retired."""
        with self._lock:
            devices = (device for device in self._present(None) if device.url not in self._stale)
            return next((device for device in devices if device.web_socket_url == url), None)

    def refresh(self, url: str, user_id: str, body: object) -> Device | None:
        """Keep a device for another while and give it as it is now; ``None`` if it is gone.

        Raises:
            RegistrationError: the body breaks a rule, which the error names.
        """
        told = _checked(body)
        with self._lock:
            known = {device.url: device for device in self._present(user_id)}.get(url)
            if known is None:
                return None
            now = self._now()
            merged = {**known.body, **told}
            device = attrs.evolve(
                known, body=merged, modified_at=now, expires_at=_expiry(now, merged)
            )
            if url in self._stale:
                self._stale.discard(url)
                fresh = self._addresses.registration(str(uuid4()))
                device = attrs.evolve(device, web_socket_url=fresh)
            self._registered[url] = device
            return device

    def retire_websockets(self) -> None:
        """End every device's websocket address; it gets a new one at its next refresh."""
        with self._lock:
            self._stale.update(self._registered)

    def delete(self, url: str, user_id: str) -> bool:
        """End a device; whether there was one."""
        with self._lock:
            if url not in {device.url for device in self._present(user_id)}:
                return False
            del self._registered[url]
            self._stale.discard(url)
            return True

    def _present(self, user_id: str | None) -> tuple[Device, ...]:
        now = self._now()
        for url, device in list(self._registered.items()):
            if device.expires_at is not None and device.expires_at <= now:
                del self._registered[url]
                self._stale.discard(url)
        devices = self._registered.values()
        return tuple(device for device in devices if user_id in (None, device.user_id))

    def _now(self) -> datetime:
        now = self._clock()
        return now - timedelta(microseconds=now.microsecond % 1000)


def _expiry(now: datetime, body: Mapping[str, Any]) -> datetime | None:
    return now + timedelta(seconds=body["ttl"]) if "ttl" in body else None


def _checked(body: object, required: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RegistrationError("the body must be a JSON object")
    told = {name: body[name] for name in (*_NAMING, "ttl") if name in body}
    for name in _NAMING:
        if (name in told or name in required) and not _is_text(told.get(name)):
            raise RegistrationError(f"{name} must be a non-empty string")
    if "ttl" in told and (type(told["ttl"]) is not int or told["ttl"] < 1):
        raise RegistrationError("ttl must be a positive integer, in seconds")
    if told.get("ttl", 0) > _LONGEST_TTL:
        raise RegistrationError(f"ttl must be at most {_LONGEST_TTL}")
    return told


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
