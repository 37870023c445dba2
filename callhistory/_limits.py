"""Timeouts, pauses and sizes."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen


@frozen(kw_only=True, repr=False, eq=False)
class Limits:
    """Every timeout, pause and size of the library, in seconds unless stated otherwise.

    A :class:`Webex` passes its limits on to everything that it uses. The limits that a user may
    set, which are the timeouts and retries of a request, are arguments of :class:`Webex` instead.

    Attributes:
        first_backoff: the longest pause before the first retry of a request; it doubles from there.
        longest_retry_after: a ``Retry-After`` above this ends the retries of a call.
        read_timeouts_per_response: how many read timeouts a response may take in all.
        largest_response: bytes of a response after decompression, and of a websocket's message.
        last_moment: how long a registration may go on when its session is closed.
        goodbye: how long the deletion of the device may take.
        throttle_wait: how long a client waits for its turn to request its catalog or device.
        early_refresh_retry: the pause after a failure to refresh a token ahead of its expiry.
        open_timeout: how long a websocket may take to open, including proxy, TLS and upgrade.
        ready_timeout: how long Webex may take to accept a connection after its authorization.
        ping_interval: from a pong to the next ping.
        pong_timeout: without a pong for this long, a connection is dead.
        doubt_timeout: the same when the machine may have slept.
        close_timeout: how long the closing handshake of a websocket may take.
        silence_check: the time between two checks, on a silent connection, whether the machine
            has slept.
        good_connection: a connection that lasted this long resets the backoff.
        first_reconnect_backoff: the longest pause before the second connection; it doubles from
            there.
        longest_backoff: the longest pause between two connections, or two attempts at a recovery.
        longest_live_retry_after: the longest ``Retry-After`` that is honoured while listening.
        hand_over: how long a connection is still read after the server asked for another.
        device_refresh: the time between two refreshes of the device.
        first_recovery_backoff: the pause between two recoveries; it doubles after failures.
        recovery_overlap: how far a recovery reaches back before an outage.
        remembered: how many delivered envelopes and sessions are remembered.
        close: how long ``close()`` waits for the threads of a listener.
    """

    first_backoff: float = 0.5
    longest_retry_after: float = 60.0
    read_timeouts_per_response: float = 4
    largest_response: int = 64 * 1024 * 1024
    last_moment: float = 1.0
    goodbye: float = 2.0
    throttle_wait: float = 2.0
    early_refresh_retry: float = 30.0

    open_timeout: float = 10.0
    ready_timeout: float = 20.0
    ping_interval: float = 15.0
    pong_timeout: float = 14.0
    doubt_timeout: float = 4.0
    close_timeout: float = 1.0
    silence_check: float = 5.0
    good_connection: float = 30.0
    first_reconnect_backoff: float = 1.0
    longest_backoff: float = 32.0
    longest_live_retry_after: float = 3600.0
    hand_over: float = 60.0
    device_refresh: float = 960.0
    first_recovery_backoff: float = 1.0
    recovery_overlap: timedelta = timedelta(seconds=60)
    remembered: int = 10_000
    close: float = 2.5


USUAL = Limits()
