"""The registration of this program's device: made at first need, kept, and ended."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from .._concurrency import Once
from .._errors import CallHistoryError
from .._http.response import Refused
from .._http.retry import Effort
from .._http.session import Transport
from .._http.trusted_hosts import Hosts
from .._throttle import few_at_once
from .device import DEVICE_TTL, EXCESSIVE, Device, description, read_device

log = logging.getLogger(__name__)

_GOODBYE_SECONDS = 2.0
_UPSTREAM = {"includeUpstreamServices": "all"}


class Registration:
    """One device, for as long as it is needed. Any thread may ask for it.

    Args:
        hosts: where its token may go.
    """

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._device: Once[Device] = Once()
        self._expires = math.inf

    @property
    def url(self) -> str | None:
        """The device's address, if there is one that Webex has not forgotten."""
        device = self._device.peek()
        return device.url if device and time.monotonic() < self._expires else None

    def get(
        self, transport: Transport, where: Callable[[], str], too_late: Callable[[Device], None]
    ) -> Device:
        """Give the device, and register it if there is none.

        Args:
            transport: the HTTP session to use.
            where: gives the address of the service.
            too_late: takes a device that was registered when it was taken away already.

        Raises:
            Refused: Webex says no.
            CallHistoryError: there was no answer, or none that Webex sends.
        """
        return self._device.get(
            lambda: self._register(transport, where()), too_late, gave_up=lambda: transport.stopped
        )

    def refresh(self, transport: Transport) -> Device | None:
        """Tell Webex that the device is still there; ``None`` if there is none, or no more.

        Raises:
            Refused: Webex says no.
            CallHistoryError: there was no answer, or none that Webex sends.
        """
        device = self._device.peek()
        if device is None:
            return None
        headers = {} if device.etag is None else {"If-None-Match": device.etag}
        with few_at_once():
            answer = transport.request(
                "PUT", device.url, params=_UPSTREAM, body=description(), headers=headers
            )
        if answer.status_code in (404, 410):
            self._device.replace(device, None)
            return None
        if answer.status_code != 304:
            if not answer.ok:
                raise Refused(answer)
            fresh = read_device(answer.body, answer.etag, self._hosts)
            self._device.replace(device, fresh)
            device = fresh
        self._expires = time.monotonic() + DEVICE_TTL
        return device

    def take(self) -> Device | None:
        """Give the device if it is there, and forget it."""
        return self._device.take()

    def _register(self, transport: Transport, service: str) -> Device:
        with few_at_once(), transport.registering:
            answer = transport.request(
                "POST", f"{service}/devices", params=_UPSTREAM, body=description()
            )
        if not answer.ok:
            if EXCESSIVE in answer.body:
                log.warning(
                    "Webex has too many devices of this user: programs that end without close() "
                    "leave theirs behind until it expires"
                )
            raise Refused(answer)
        device = read_device(answer.body, answer.etag, self._hosts)
        self._expires = time.monotonic() + DEVICE_TTL
        return device


def say_goodbye(device: Device, transport: Transport) -> None:
    """Delete a device, within a few seconds."""
    # The name lookup has no timeout of its own: a thread does not have to be waited for.
    goodbye = threading.Thread(
        target=delete, args=(device, transport), name="callhistory-goodbye", daemon=True
    )
    try:
        goodbye.start()
        goodbye.join(_GOODBYE_SECONDS)
    except RuntimeError:  # the interpreter is ending, and starts no more threads
        delete(device, transport)


def delete(device: Device, transport: Transport) -> None:
    """Delete a device, and say so if that fails: it expires by itself."""
    effort = Effort(_GOODBYE_SECONDS / 2, _GOODBYE_SECONDS / 2, 0)
    try:
        answer = transport.request("DELETE", device.url, effort=effort)
    except CallHistoryError as error:
        log.info("this program's device was not deleted; it expires: %s", error)
        return
    except Exception as error:  # noqa: BLE001 - such as one of the function that gives the token
        name = type(error).__name__
        log.info("this program's device was not deleted; it expires: %s", name)
        return
    if not answer.ok and answer.status_code != 404:
        log.info("this program's device was not deleted; it expires: %d", answer.status_code)
