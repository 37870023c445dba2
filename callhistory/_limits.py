"""How long things may take, how often they are tried, and how large they may be."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen


@frozen(kw_only=True)
class Limits:
    """Every timeout, pause and size that the library has; seconds where nothing else is said.

    One value is made with a :class:`Webex` and passed on to all that works for it. What a user may
    set (the timeouts and retries of a request) are arguments of :class:`Webex` instead.

    Attributes:
        first_backoff: the longest pause before a request is sent again for the first time; it
            doubles from there.
        longest_retry_after: a ``Retry-After`` above this ends the retries of a call.
        read_timeouts_an_answer: how many read timeouts an answer may take in all.
        largest_answer: bytes of an answer after decompression, and of a websocket's message.
        last_moment: how long a registration may go on when its session is closed.
        goodbye: how long the deletion of the device may take.
        throttle_wait: how long a client waits for its turn to ask for its catalog or device.
        early_refresh_retry: the pause after a token could not be refreshed ahead of its expiry.
        open_timeout: for a websocket to open, proxy, TLS and upgrade included.
        ready_timeout: from the authorization of a connection to Webex's acceptance.
        ping_interval: from a pong to the next ping.
        pong_timeout: without a pong for this long, a connection is dead.
        doubt_timeout: the same after the machine may have slept.
        send_timeout: how long the other side may leave a frame of ours where it is.
        close_timeout: for the closing handshake of a websocket.
        look_up: how often a silent connection is looked at, to notice that the machine has slept.
        good_connection: a connection that was accepted for this long resets the backoff.
        first_reconnect_backoff: the longest pause before the second connection; it doubles from
            there.
        longest_backoff: the longest pause between two connections, or two tries of a recovery.
        longest_live_retry_after: a ``Retry-After`` is honoured up to this while listening.
        hand_over: how long a connection is read on after the server asked for another.
        device_refresh: the time between two refreshes of the device.
        first_recovery_backoff: the pause between two recoveries; it doubles after failures.
        recovery_overlap: how long before an outage a recovery begins.
        remembered: how many envelopes and sessions are known as delivered.
        close: how long ``close()`` waits for the threads of a listener.
    """

    first_backoff: float = 0.5
    longest_retry_after: float = 60.0
    read_timeouts_an_answer: float = 4
    largest_answer: int = 64 * 1024 * 1024
    last_moment: float = 1.0
    goodbye: float = 2.0
    throttle_wait: float = 2.0
    early_refresh_retry: float = 30.0

    open_timeout: float = 10.0
    ready_timeout: float = 20.0
    ping_interval: float = 15.0
    pong_timeout: float = 14.0
    doubt_timeout: float = 4.0
    send_timeout: float = 10.0
    close_timeout: float = 1.0
    look_up: float = 5.0
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
