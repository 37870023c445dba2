"""What follows the end of a connection or a failed attempt: the table of the protocol."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest
from attrs import evolve

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryError,
    DecodeError,
    ListenError,
    TokenRefusedError,
    TransportError,
)
from callhistory._limits import USUAL
from callhistory._live.reconnect import (
    Again,
    Ended,
    Never,
    Reconnection,
    error_of,
    token_refused,
)

LIVED = Ended(code=1001, accepted_for=60.0)
DROPPED = Ended(code=1006, accepted_for=0.0)
NO_ANSWER = Ended(error=TransportError("GET", "mercury.example.com", "no answer"))


def a_reconnection(*, accepted: bool = False) -> Reconnection:
    reconnection = Reconnection()
    if accepted:
        assert isinstance(reconnection.after(LIVED), Again)
    return reconnection


def again(reconnection: Reconnection, ended: Ended) -> Again:
    decision = reconnection.after(ended)
    assert isinstance(decision, Again), decision
    return decision


def never(reconnection: Reconnection, ended: Ended) -> CallHistoryError:
    decision = reconnection.after(ended)
    assert isinstance(decision, Never), decision
    return decision.error


def bounds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Make each backoff the longest that it may be; return the list of the bounds drawn from."""
    asked: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    return asked


@pytest.mark.parametrize("accepted_for", [None, 0.0, 29.9, 30.0, 86400.0])
@pytest.mark.parametrize(
    "code",
    [
        *(1001, 1005, 1006, 1011, 1012, 1013, None),
        *(1000, 1002, 1014, 1015, 3000, 4001, 4402, 4429, 4999),
    ],
)
@pytest.mark.parametrize("accepted", [False, True])
def test_codes_that_pass(code: int | None, accepted_for: float | None, accepted: bool) -> None:
    """After these codes, none and any unknown one, it connects again, with what it has."""
    decision = again(a_reconnection(accepted=accepted), Ended(code=code, accepted_for=accepted_for))

    assert not decision.renew_token
    assert not decision.refresh_device


@pytest.mark.parametrize("accepted_for", [None, 0.0, 86400.0])
@pytest.mark.parametrize("code", [4000, 4400, 4403, 1003, 1007, 1009, 1010])
@pytest.mark.parametrize("accepted", [False, True])
def test_codes_that_are_permanent(code: int, accepted_for: float | None, accepted: bool) -> None:
    """After these codes it never connects again, and the error has the server's reason."""
    ended = Ended(code=code, reason="the reason", accepted_for=accepted_for)

    error = never(a_reconnection(accepted=accepted), ended)

    assert type(error) is ListenError
    assert (error.code, error.reason) == (code, "the reason")


@pytest.mark.parametrize(("code", "words"), [(4000, "replaced"), (4403, "closed")])
def test_permanent_code_without_a_reason(code: int, words: str) -> None:
    """A code that came without a reason has words of our own."""
    error = never(a_reconnection(), Ended(code=code))

    assert words in str(error)
    assert str(code) in str(error)


REFUSALS_OF_THE_TOKEN = [
    Ended(code=4401, reason="Unauthorized"),
    Ended(code=4401),
    Ended(code=1008, reason="authentication failed"),
    Ended(code=1008, reason="Invalid TOKEN"),
    Ended(code=1008, reason="Unauthorized"),
    Ended(code=1008, reason="bad credentials"),
    Ended(status=401, reason="the upgrade was answered with 401"),
]


@pytest.mark.parametrize("accepted_for", [None, 5.0])
@pytest.mark.parametrize("refusal", REFUSALS_OF_THE_TOKEN, ids=str)
@pytest.mark.parametrize("accepted", [False, True])
def test_refused_token_is_renewed_once(
    refusal: Ended, accepted_for: float | None, accepted: bool
) -> None:
    """A refused token is renewed; refused again without a connection in between is permanent."""
    reconnection = a_reconnection(accepted=accepted)
    first = evolve(refusal, accepted_for=accepted_for)

    decision = again(reconnection, first)
    assert decision.renew_token
    assert not decision.refresh_device

    error = never(reconnection, refusal)
    assert isinstance(error, TokenRefusedError)
    assert isinstance(error, AuthenticationError)
    assert isinstance(error, ListenError)
    assert error.code == (refusal.code or refusal.status)
    assert error.reason == (refusal.reason or "Webex refused the token")


def test_other_failures_do_not_excuse_a_refused_token() -> None:
    """A second refusal is permanent even if other failures came in between."""
    reconnection = a_reconnection()
    assert again(reconnection, Ended(code=4401)).renew_token
    for failure in (NO_ANSWER, Ended(code=1006), Ended(status=503), Ended()):
        assert not again(reconnection, failure).renew_token

    assert isinstance(never(reconnection, Ended(status=401)), TokenRefusedError)


def test_accepted_connection_excuses_a_refused_token() -> None:
    """After each accepted connection a refused token is renewed once more, without end."""
    reconnection = a_reconnection()

    for _ in range(5):
        assert again(reconnection, Ended(code=4401)).renew_token
        assert not again(reconnection, Ended(code=1006, accepted_for=0.1)).renew_token
    for _ in range(5):
        assert again(reconnection, Ended(code=4401, accepted_for=0.1)).renew_token


@pytest.mark.parametrize("reason", ["", "policy violation", "too many connections"])
def test_1008_for_other_reasons(reason: str) -> None:
    """1008 for another reason than authentication passes, and asks for no token."""
    reconnection = a_reconnection()

    for _ in range(3):
        assert not again(reconnection, Ended(code=1008, reason=reason)).renew_token


@pytest.mark.parametrize(
    "gone", [Ended(code=4404), Ended(code=4404, accepted_for=60.0), Ended(status=404)]
)
def test_device_that_is_gone(gone: Ended) -> None:
    """4404, or 404 at the upgrade, refreshes the device, each time."""
    reconnection = a_reconnection()

    for _ in range(5):
        decision = again(reconnection, gone)
        assert decision.refresh_device
        assert not decision.renew_token


def test_device_that_is_gone_after_an_outage() -> None:
    """404 to the device's own request, once events were heard, refreshes the device."""
    gone = Ended(error=ApiError(404, "not found"))

    assert again(a_reconnection(accepted=True), gone).refresh_device


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 408, 410, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("accepted", [False, True])
def test_other_answers_to_the_upgrade(status: int, accepted: bool) -> None:
    """Any other answer to the upgrade passes, also a redirect, and renews no token."""
    decision = again(a_reconnection(accepted=accepted), Ended(status=status))

    assert not decision.renew_token
    assert not decision.refresh_device


@pytest.mark.parametrize(
    "failed", [NO_ANSWER, Ended(status=503), Ended(status=302), Ended(code=1006), Ended()], ids=str
)
def test_fresh_address_after_two_failures(failed: Ended) -> None:
    """Every second attempt in a row that was not accepted asks for a fresh address."""
    reconnection = a_reconnection()

    fresh = [again(reconnection, failed).refresh_device for _ in range(6)]

    assert fresh == [False, True] * 3


def test_accepted_connection_shows_that_the_address_is_good() -> None:
    """Attempts before a connection that was accepted do not count as failures in a row."""
    reconnection = a_reconnection()

    fresh = [
        again(reconnection, ended).refresh_device
        for ended in (NO_ANSWER, DROPPED, NO_ANSWER, DROPPED, DROPPED, NO_ANSWER, NO_ANSWER)
    ]

    assert fresh == [False] * 6 + [True]


def test_shutdown_notice_is_no_failure() -> None:
    """A server that goes away before it accepted does not make the address stale."""
    reconnection = a_reconnection()
    leaving = Ended(going_away=True)

    assert [again(reconnection, leaving).refresh_device for _ in range(4)] == [False] * 4


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ApiError(403, "forbidden"), ApiError, "403"),
        (ApiError(400, "bad"), ApiError, "400"),
        (ApiError(404, "gone"), ApiError, "404"),
        (ApiError(499, "odd"), ApiError, "499"),
        (DecodeError("$", "JSON", "nothing"), ListenError, "found nothing"),
    ],
    ids=str,
)
def test_refusals_of_catalog_and_device(
    error: CallHistoryError, kind: type[CallHistoryError], words: str
) -> None:
    """They are permanent while the program waits in listen(), and pass once events were heard."""
    refused = never(a_reconnection(), Ended(error=error))
    assert type(refused) is kind
    assert words in str(refused)

    again(a_reconnection(accepted=True), Ended(error=error))


@pytest.mark.parametrize(
    "error",
    [
        ApiError(408, "timed out"),
        ApiError(429, "too many", retry_after=1.0),
        ApiError(500, "broken"),
        ApiError(503, "down"),
        ApiError(302, "elsewhere"),
        TransportError("GET", "u2c.example.com", "no answer"),
    ],
    ids=str,
)
@pytest.mark.parametrize("accepted", [False, True])
def test_passing_failures_of_catalog_and_device(error: CallHistoryError, accepted: bool) -> None:
    """No answer, and an answer that is no refusal, is always tried again."""
    again(a_reconnection(accepted=accepted), Ended(error=error))


@pytest.mark.parametrize(
    "error",
    [AuthenticationError(401, "no token"), TokenRefusedError(4401, "refused")],
    ids=str,
)
@pytest.mark.parametrize("accepted", [False, True])
def test_errors_that_are_permanent(error: CallHistoryError, accepted: bool) -> None:
    """To have no token is permanent, at any time."""
    assert never(a_reconnection(accepted=accepted), Ended(error=error)) is error


def test_address_that_may_not_see_the_token() -> None:
    """It is permanent at first; one that was accepted before asks for another address."""
    error = ListenError(None, "not one of Webex's hosts")

    assert never(a_reconnection(accepted=False), Ended(error=error)) is error
    assert again(a_reconnection(accepted=True), Ended(error=error)).refresh_device


@pytest.mark.parametrize("accepted", [False, True])
def test_webex_that_is_closed_is_for_good(accepted: bool) -> None:
    """Nothing follows when the program has closed its Webex."""
    error = never(a_reconnection(accepted=accepted), Ended(closed=True))

    assert str(error) == "closed"


def test_accepted_connection_counts_however_short() -> None:
    """Once a connection was accepted, also for a moment, a refusal of the device passes."""
    reconnection = a_reconnection()
    again(reconnection, DROPPED)

    again(reconnection, Ended(error=ApiError(403, "forbidden")))


BACKOFFS = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 32.0, 32.0, 32.0]


@pytest.mark.parametrize(
    "ended",
    [NO_ANSWER, DROPPED, Ended(status=503), Ended(code=1006), Ended(code=1000, accepted_for=29.9)],
    ids=str,
)
def test_backoff(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is drawn from 0 s up to 1, 2, 4 ... 32 s, for attempts in a row."""
    asked = bounds(monkeypatch)
    reconnection = a_reconnection()

    delays = [again(reconnection, ended).delay for _ in BACKOFFS]

    assert delays == BACKOFFS
    assert asked == [(0.0, bound) for bound in BACKOFFS]


def test_backoff_is_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an outage of days there is an attempt every 32 s at the latest, for ever."""
    bounds(monkeypatch)
    reconnection = a_reconnection(accepted=True)

    delays = [again(reconnection, NO_ANSWER).delay for _ in range(10_000)]

    assert delays[-1] == max(delays) == USUAL.longest_backoff == 32.0


def test_first_reconnect_after_a_good_connection() -> None:
    """After each good connection, the next attempt is immediate."""
    reconnection = a_reconnection()

    assert [again(reconnection, LIVED).delay for _ in range(5)] == [0.0] * 5


def test_only_a_good_connection_resets_the_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of less than 30 s leave the backoff where it is; one of 30 s resets it."""
    bounds(monkeypatch)
    reconnection = a_reconnection()
    for _ in range(3):
        again(reconnection, NO_ANSWER)

    assert (
        again(reconnection, Ended(code=1006, accepted_for=USUAL.good_connection - 0.001)).delay
        == 8.0
    )
    assert again(reconnection, Ended(code=1006, accepted_for=30.0)).delay == 0.0
    assert again(reconnection, NO_ANSWER).delay <= 2.0
    assert again(reconnection, NO_ANSWER).delay <= 4.0


def test_server_that_goes_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first shutdown notice is followed at once; notices in a row, with a backoff."""
    bounds(monkeypatch)
    reconnection = a_reconnection()

    leaving = Ended(going_away=True, accepted_for=0.0)
    delays = [again(reconnection, leaving).delay for _ in range(7)]

    assert delays[0] == 0.0
    assert delays[1:] == [2.0, 4.0, 8.0, 16.0, 32.0, 32.0]


@pytest.mark.parametrize(
    ("asked", "delay"), [(5.0, 5.0), (120.0, 120.0), (3600.0, 3600.0), (1e9, 3600.0)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(status: int, asked: float, delay: float) -> None:
    """The server is given the time that it asks for, an hour at most."""
    assert again(a_reconnection(), Ended(status=status, retry_after=asked)).delay == delay


def test_short_retry_after_does_not_shorten_the_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that asks for no time, or for little, gets the backoff."""
    bounds(monkeypatch)
    reconnection = a_reconnection()

    delays = [
        again(reconnection, Ended(status=429, retry_after=asked)).delay
        for asked in (0.0, 0.0, 0.0, 9.0, 1.0)
    ]

    assert delays == [1.0, 2.0, 4.0, 9.0, 16.0]


def attempts_in_30_s(ended: Ended, seed: int) -> int:
    random.seed(seed)
    reconnection = a_reconnection()
    now, attempts = 0.0, 0
    while now < 30.0:
        attempts += 1
        now += again(reconnection, ended).delay
    return attempts


@pytest.mark.parametrize(
    "ended",
    [DROPPED, Ended(going_away=True, accepted_for=0.0), Ended(status=429, retry_after=0.0)],
    ids=["dropped", "going away", "retry at once"],
)
def test_server_that_drops_at_once_is_not_hammered(ended: Ended) -> None:
    """It meets about seven attempts in 30 s, and hardly ever more than a dozen."""
    attempts = [attempts_in_30_s(ended, seed) for seed in range(2000)]

    assert 5 <= statistics.mean(attempts) <= 8
    assert max(attempts) <= 15


@pytest.mark.parametrize(
    ("ended", "code", "reason"),
    [
        (Ended(code=4401, reason="expired"), 4401, "expired"),
        (Ended(status=401), 401, "Webex refused the token"),
        (Ended(), None, "Webex refused the token"),
    ],
)
def test_error_for_a_refused_token(ended: Ended, code: int | None, reason: str) -> None:
    """It has the code or status of the refusal, and its words."""
    error = token_refused(ended)

    assert (error.code, error.reason, error.status_code) == (code, reason, 401)


@pytest.mark.parametrize(
    "error",
    [
        ApiError(503, "down"),
        AuthenticationError(401, "refused"),
        TransportError("GET", "u2c.example.com", "no answer"),
        ListenError(4400, "no"),
    ],
    ids=str,
)
def test_error_when_time_is_up_is_that_of_the_last_attempt(error: CallHistoryError) -> None:
    """The error of the last attempt is what the caller gets."""
    assert error_of(Ended(error=error, reason="words")) is error


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Ended(code=1013, reason="try again later"), (1013, "try again later")),
        (Ended(status=503, reason="the upgrade was answered"), (503, "the upgrade was answered")),
        (Ended(), (None, "the connection was lost")),
        (
            Ended(error=DecodeError("$", "JSON", "nothing")),
            (None, "$: expected JSON, found nothing"),
        ),
    ],
    ids=str,
)
def test_error_when_time_is_up(ended: Ended, said: tuple[Any, str]) -> None:
    """Without such an error, it has the code or status and the words of the last attempt."""
    error = error_of(ended)

    assert type(error) is ListenError
    assert (error.code, error.reason) == said
