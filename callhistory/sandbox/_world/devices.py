"""The devices that are registered with a sandbox."""
# Without postponed annotations, which typing.get_type_hints could not resolve for Device.

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import uuid4

import attrs

from callhistory.sandbox._world.addresses import WDM, Addresses

Clock = Callable[[], datetime]
_LONGEST_TTL = 366 * 24 * 3600  # seconds
_REQUIRED = ("name", "deviceType", "model", "localizedModel", "systemName", "systemVersion")


class ExcessiveDevicesError(Exception):
    """The user has registered the maximum number of devices."""


class RegistrationError(ValueError):
    """The body of a registration is invalid."""


@attrs.frozen
class Device:
    """A registered device.

    Attributes:
        url: the address of the registration.
        web_socket_url: the address of its websocket.
        user_id: the id of the user who registered it.
        body: the registered fields, in wire form.
        modified_at: when it was registered or last refreshed.
        expires_at: when it disappears unless it is refreshed; ``None`` means never.
    """

    url: str
    web_socket_url: str
    user_id: str
    body: Mapping[str, Any] = attrs.field(repr=False)
    modified_at: datetime
    expires_at: datetime | None

    @property
    def name(self) -> str:
        """The name that it was registered with."""
        return str(self.body["name"])


class Devices:
    """The registrations of all users; any thread may use it."""

    def __init__(self, addresses: Addresses, clock: Clock, limit: int) -> None:
        self._addresses = addresses
        self._clock = clock
        self._limit = limit
        self._registered: dict[str, Device] = {}
        self._retired: set[str] = set()
        self._lock = Lock()

    def register(self, user_id: str, body: object) -> Device:
        """Register a new device.

        Raises:
            RegistrationError: a field of the body is invalid; the error names it.
            ExcessiveDevicesError: the user has registered the maximum number of devices.
        """
        fields = _read_fields(body, required=_REQUIRED)
        now = self._now()
        device = Device(
            url=self._addresses.http(f"{WDM}/devices/{uuid4()}"),
            web_socket_url=self._addresses.registration(str(uuid4())),
            user_id=user_id,
            body=fields,
            modified_at=now,
            expires_at=_expiry(now, fields),
        )
        with self._lock:
            if len(self._present(user_id)) >= self._limit:
                raise ExcessiveDevicesError
            self._registered[device.url] = device
        return device

    def of(self, user_id: str | None = None) -> tuple[Device, ...]:
        """Return the devices of one user, or of all users, the oldest first."""
        with self._lock:
            return self._present(user_id)

    def find(self, url: str, user_id: str | None = None) -> Device | None:
        """Return the device with an address, or ``None`` if it is gone or another user's."""
        return next((device for device in self.of(user_id) if device.url == url), None)

    def at_websocket(self, url: str) -> Device | None:
        """Return the device with a websocket address, or ``None`` if the address is retired."""
        with self._lock:
            devices = (device for device in self._present() if device.url not in self._retired)
            return next((device for device in devices if device.web_socket_url == url), None)

    def refresh(self, url: str, user_id: str, body: object) -> Device | None:
        """Extend a registration and return the device, or ``None`` if it is gone.

        Raises:
            RegistrationError: a field of the body is invalid; the error names it.
        """
        fields = _read_fields(body)
        with self._lock:
            known = {device.url: device for device in self._present(user_id)}.get(url)
            if known is None:
                return None
            now = self._now()
            merged = {**known.body, **fields}
            device = attrs.evolve(
                known, body=merged, modified_at=now, expires_at=_expiry(now, merged)
            )
            if url in self._retired:
                self._retired.discard(url)
                fresh = self._addresses.registration(str(uuid4()))
                device = attrs.evolve(device, web_socket_url=fresh)
            self._registered[url] = device
            return device

    def retire_websockets(self) -> None:
        """Retire the websocket address of each device; its next refresh assigns a new one."""
        with self._lock:
            self._retired.update(self._registered)

    def delete(self, url: str, user_id: str) -> bool:
        """Delete a device and return whether there was one."""
        with self._lock:
            if url not in {device.url for device in self._present(user_id)}:
                return False
            self._forget(url)
            return True

    def _present(self, user_id: str | None = None) -> tuple[Device, ...]:
        now = self._now()
        for url, device in list(self._registered.items()):
            if device.expires_at is not None and device.expires_at <= now:
                self._forget(url)
        devices = self._registered.values()
        return tuple(device for device in devices if user_id in (None, device.user_id))

    def _forget(self, url: str) -> None:
        del self._registered[url]
        self._retired.discard(url)

    def _now(self) -> datetime:
        now = self._clock()
        return now - timedelta(microseconds=now.microsecond % 1000)


def _expiry(now: datetime, fields: Mapping[str, Any]) -> datetime | None:
    return now + timedelta(seconds=fields["ttl"]) if "ttl" in fields else None


def _read_fields(body: object, required: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RegistrationError("the body must be a JSON object")
    fields = {name: body[name] for name in (*_REQUIRED, "ttl") if name in body}
    for name in _REQUIRED:
        value = fields.get(name)
        is_text = isinstance(value, str) and bool(value)
        if (name in fields or name in required) and not is_text:
            raise RegistrationError(f"{name} must be a non-empty string")
    if "ttl" in fields and (type(fields["ttl"]) is not int or fields["ttl"] < 1):
        raise RegistrationError("ttl must be a positive integer, in seconds")
    if fields.get("ttl", 0) > _LONGEST_TTL:
        raise RegistrationError(f"ttl must be at most {_LONGEST_TTL}")
    return fields
