"""What follows the end of a connection, or an attempt that failed: the table of the protocol."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryError,
    DecodeError,
    ListenError,
    TokenRefusedError,
    TransportError,
)
from callhistory._live.reconnect import (
    HELD,
    LONGEST_BACKOFF,
    Again,
    Ended,
    Never,
    Reconnection,
    token_refused,
    trouble,
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
    """Let each backoff be the longest that it may be; give the list of what was asked for."""
    asked: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    return asked


@pytest.mark.parametrize("held", [None, 0.0, 29.9, 30.0, 86400.0])
@pytest.mark.parametrize(
    "code",
    [
        1001,
        1005,
        1006,
        1011,
        1012,
        1013,
        None,
        1000,
        1002,
        1014,
        1015,
        3000,
        4001,
        4402,
        4429,
        4999,
    ],
)
@pytest.mark.parametrize("accepted", [False, True])
def test_codes_that_pass(code: int | None, held: float | None, accepted: bool) -> None:
    """After these codes, none and any unknown one, it connects again, with what it has."""
    decision = again(a_reconnection(accepted=accepted), Ended(code=code, accepted_for=held))

    assert not decision.renew_token
    assert not decision.refresh_device


@pytest.mark.parametrize("held", [None, 0.0, 86400.0])
@pytest.mark.parametrize("code", [4000, 4400, 4403, 1003, 1007, 1009, 1010])
@pytest.mark.parametrize("accepted", [False, True])
def test_codes_that_are_permanent(code: int, held: float | None, accepted: bool) -> None:
    """After these codes it never connects again, and says the server's reason."""
    ended = Ended(code=code, reason="the reason", accepted_for=held)

    error = never(a_reconnection(accepted=accepted), ended)

    assert type(error) is ListenError
    assert (error.code, error.reason) == (code, "the reason")


@pytest.mark.parametrize(("code", "words"), [(4000, "replaced"), (4403, "closed")])
def test_a_permanent_code_without_a_reason(code: int, words: str) -> None:
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


@pytest.mark.parametrize("held", [None, 5.0])
@pytest.mark.parametrize("refusal", REFUSALS_OF_THE_TOKEN, ids=str)
@pytest.mark.parametrize("accepted", [False, True])
def test_a_refused_token_is_renewed_once(
    refusal: Ended, held: float | None, accepted: bool
) -> None:
    """A refusal of the token renews it; the next one, not accepted in between, is permanent."""
    reconnection = a_reconnection(accepted=accepted)
    first = Ended(
        code=refusal.code, status=refusal.status, reason=refusal.reason, accepted_for=held
    )

    decision = again(reconnection, first)
    assert decision.renew_token
    assert not decision.refresh_device

    error = never(reconnection, refusal)
    assert isinstance(error, TokenRefusedError)
    assert isinstance(error, AuthenticationError)
    assert isinstance(error, ListenError)
    assert error.code == (refusal.code or refusal.status)
    assert error.reason == (refusal.reason or "Webex refused the token")


def test_other_troubles_do_not_excuse_a_refused_token() -> None:
    """Attempts that failed otherwise in between leave a second refusal permanent."""
    reconnection = a_reconnection()
    assert again(reconnection, Ended(code=4401)).renew_token
    for trouble_between in (NO_ANSWER, Ended(code=1006), Ended(status=503), Ended()):
        assert not again(reconnection, trouble_between).renew_token

    assert isinstance(never(reconnection, Ended(status=401)), TokenRefusedError)


def test_an_accepted_connection_excuses_a_refused_token() -> None:
    """A token is renewed once for each connection that was accepted, without end."""
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
def test_a_device_that_is_gone(gone: Ended) -> None:
    """4404, or 404 at the upgrade, asks for the device anew, each time."""
    reconnection = a_reconnection()

    for _ in range(5):
        decision = again(reconnection, gone)
        assert decision.refresh_device
        assert not decision.renew_token


def test_a_device_that_is_gone_after_an_outage() -> None:
    """404 to the device's own request, once events were heard, asks for it anew."""
    gone = Ended(error=ApiError(404, "not found"))

    assert again(a_reconnection(accepted=True), gone).refresh_device


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 408, 410, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("accepted", [False, True])
def test_other_answers_to_the_upgrade(status: int, accepted: bool) -> None:
    """Any other answer to the upgrade passes, also a redirect, and asks for no token."""
    decision = again(a_reconnection(accepted=accepted), Ended(status=status))

    assert not decision.renew_token
    assert not decision.refresh_device


@pytest.mark.parametrize(
    "failed", [NO_ANSWER, Ended(status=503), Ended(status=302), Ended(code=1006), Ended()], ids=str
)
def test_a_fresh_address_after_two_failures(failed: Ended) -> None:
    """Every second attempt in a row that was not accepted asks for a fresh address."""
    reconnection = a_reconnection()

    fresh = [again(reconnection, failed).refresh_device for _ in range(6)]

    assert fresh == [False, True] * 3


def test_an_accepted_connection_shows_that_the_address_is_good() -> None:
    """Attempts before a connection that was accepted do not count as failures in a row."""
    reconnection = a_reconnection()

    fresh = [
        again(reconnection, ended).refresh_device
        for ended in (NO_ANSWER, DROPPED, NO_ANSWER, DROPPED, DROPPED, NO_ANSWER, NO_ANSWER)
    ]

    assert fresh == [False] * 6 + [True]


def test_a_notice_of_the_end_is_no_failure() -> None:
    """A server that goes away before it accepted does not make the address a stale one."""
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
def test_troubles_of_catalog_and_device_that_pass(error: CallHistoryError, accepted: bool) -> None:
    """No answer, an answer that passes, or none that refuses is tried again, always."""
    again(a_reconnection(accepted=accepted), Ended(error=error))


@pytest.mark.parametrize(
    "error",
    [AuthenticationError(401, "no token"), TokenRefusedError(4401, "refused")],
    ids=str,
)
@pytest.mark.parametrize("accepted", [False, True])
def test_errors_that_are_permanent(error: CallHistoryError, accepted: bool) -> None:
    """No token is permanent, whenever it comes up."""
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


def test_an_accepted_connection_counts_however_short() -> None:
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
    """The wait is anything from 0 s up to 1, 2, 4 ... 32 s, for attempts in a row."""
    asked = bounds(monkeypatch)
    reconnection = a_reconnection()

    delays = [again(reconnection, ended).delay for _ in BACKOFFS]

    assert delays == BACKOFFS
    assert asked == [(0.0, bound) for bound in BACKOFFS]


def test_backoff_is_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage of days is met with an attempt every 32 s at the latest, for ever."""
    bounds(monkeypatch)
    reconnection = a_reconnection(accepted=True)

    delays = [again(reconnection, NO_ANSWER).delay for _ in range(10_000)]

    assert delays[-1] == max(delays) == LONGEST_BACKOFF == 32.0


def test_the_first_reconnect_after_a_connection_that_held() -> None:
    """It is immediate, each time that a connection held, and never otherwise."""
    reconnection = a_reconnection()

    assert [again(reconnection, LIVED).delay for _ in range(5)] == [0.0] * 5


def test_only_a_connection_that_held_begins_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of less than 30 s leave the backoff where it is; one of 30 s begins it anew."""
    bounds(monkeypatch)
    reconnection = a_reconnection()
    for _ in range(3):
        again(reconnection, NO_ANSWER)

    assert again(reconnection, Ended(code=1006, accepted_for=HELD - 0.001)).delay == 8.0
    assert again(reconnection, Ended(code=1006, accepted_for=HELD)).delay == 0.0
    assert again(reconnection, NO_ANSWER).delay <= 2.0
    assert again(reconnection, NO_ANSWER).delay <= 4.0


def test_a_server_that_goes_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice of the end is met at once the first time; one after the other, with a backoff."""
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


def test_retry_after_is_no_way_to_be_hammered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that asks for no time, or for little, is given the backoff."""
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
def test_a_server_that_drops_at_once_is_not_hammered(ended: Ended) -> None:
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
def test_the_error_for_a_refused_token(ended: Ended, code: int | None, reason: str) -> None:
    """It has the code or status that said so, and its words."""
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
def test_the_error_when_time_is_up_is_that_of_the_last_attempt(error: CallHistoryError) -> None:
    """What kept the last attempt from coming about is what the caller is told."""
    assert trouble(Ended(error=error, reason="words")) is error


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
def test_the_error_when_time_is_up(ended: Ended, said: tuple[Any, str]) -> None:
    """Without such an error, it has the code or status and the words of the last attempt."""
    error = trouble(ended)

    assert type(error) is ListenError
    assert (error.code, error.reason) == said
