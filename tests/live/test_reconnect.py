"""What follows the end of a connection or a failed attempt: the table of the protocol."""

from __future__ import annotations

import random
import statistics

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


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Make each backoff the longest that it may be; return the list of the bounds drawn from."""
    asked: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    return asked


BOTH_TIMES = pytest.mark.parametrize("accepted", [False, True], ids=["at first", "later"])
PASSING = [
    *(Ended(code=code) for code in (None, 1000, 1001, 1005, 1006, 1011, 1012, 1013, 3000, 4999)),
    *(Ended(code=1001, accepted_for=seconds) for seconds in (0.0, 86400.0)),
    *(Ended(code=1008, reason=reason) for reason in ("", "too many connections")),
    *(Ended(status=status) for status in (302, 400, 403, 429, 503)),
    *(Ended(error=ApiError(status, "no")) for status in (302, 408, 429, 500)),
    NO_ANSWER,
]


@pytest.mark.parametrize("ended", PASSING, ids=str)
@BOTH_TIMES
def test_what_passes(ended: Ended, accepted: bool) -> None:
    """After these ends it connects again, with the token and the address that it has."""
    decision = again(a_reconnection(accepted=accepted), ended)

    assert not decision.renew_token
    assert not decision.refresh_device


@pytest.mark.parametrize("accepted_for", [None, 86400.0])
@pytest.mark.parametrize("code", [4000, 4400, 4403, 1003, 1007, 1009, 1010])
def test_codes_that_are_permanent(code: int, accepted_for: float | None) -> None:
    """After these codes it never connects again, and the error has the server's reason."""
    ended = Ended(code=code, reason="the reason", accepted_for=accepted_for)

    error = never(a_reconnection(), ended)

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
    Ended(code=1008, reason="Unauthorized"),
    Ended(code=1008, reason="Invalid TOKEN"),
    Ended(code=1008, reason="bad credentials"),
    Ended(status=401, reason="the upgrade was answered with 401"),
    Ended(status=401),
]


@pytest.mark.parametrize("refusal", REFUSALS_OF_THE_TOKEN, ids=str)
@BOTH_TIMES
def test_refused_token_is_renewed_once(refusal: Ended, accepted: bool) -> None:
    """A refused token is renewed; refused again without a connection in between is permanent."""
    reconnection = a_reconnection(accepted=accepted)

    decision = again(reconnection, refusal)
    assert decision.renew_token
    assert not decision.refresh_device
    for failure in (NO_ANSWER, Ended(code=1006), Ended(status=503)):
        assert not again(reconnection, failure).renew_token

    error = never(reconnection, refusal)
    assert isinstance(error, TokenRefusedError)
    assert (error.code, error.status_code) == (refusal.code or refusal.status, 401)
    assert error.reason == (refusal.reason or "Webex refused the token")


def test_accepted_connection_excuses_a_refused_token() -> None:
    """After each accepted connection a refused token is renewed once more, without end."""
    reconnection = a_reconnection()

    for _ in range(5):
        assert again(reconnection, Ended(code=4401)).renew_token
        assert not again(reconnection, Ended(code=1006, accepted_for=0.1)).renew_token
    for _ in range(5):
        assert again(reconnection, Ended(code=4401, accepted_for=0.1)).renew_token


@pytest.mark.parametrize(
    "gone",
    [
        Ended(code=4404),
        Ended(code=4404, accepted_for=60.0),
        Ended(status=404),
        Ended(error=ApiError(404, "not found"), accepted_for=0.0),
    ],
    ids=str,
)
def test_device_that_is_gone(gone: Ended) -> None:
    """4404, or 404 at the upgrade or to the device's own request, refreshes it, each time."""
    reconnection = a_reconnection()

    for _ in range(5):
        decision = again(reconnection, gone)
        assert decision.refresh_device
        assert not decision.renew_token


def test_fresh_address_after_two_failures() -> None:
    """Every second attempt in a row that was not accepted asks for a fresh address."""
    reconnection = a_reconnection()
    failures = (NO_ANSWER, Ended(status=503), Ended(code=1006), Ended(), NO_ANSWER, NO_ANSWER)

    assert [again(reconnection, ended).refresh_device for ended in failures] == [False, True] * 3


def test_address_that_is_good() -> None:
    """Neither failures before an accepted connection nor notices of a shutdown make it stale."""
    reconnection = a_reconnection()
    leaving = Ended(going_away=True)

    for ended in (NO_ANSWER, DROPPED, NO_ANSWER, DROPPED, leaving, leaving, NO_ANSWER):
        assert not again(reconnection, ended).refresh_device
    assert again(reconnection, NO_ANSWER).refresh_device


@pytest.mark.parametrize(
    ("error", "kind", "words", "fresh"),
    [
        (ApiError(403, "forbidden"), ApiError, "403", False),
        (ApiError(404, "gone"), ApiError, "404", True),
        (ListenError(None, "not one of Webex's hosts"), ListenError, "hosts", True),
        (DecodeError("$", "JSON", "nothing"), ListenError, "found nothing", False),
    ],
    ids=str,
)
def test_refusals_of_catalog_and_device(
    error: CallHistoryError, kind: type[CallHistoryError], words: str, fresh: bool
) -> None:
    """They are permanent while the program waits in listen(), and pass once events were heard."""
    refused = never(a_reconnection(), Ended(error=error))
    assert type(refused) is kind
    assert words in str(refused)

    reconnection = a_reconnection()
    again(reconnection, DROPPED)
    assert again(reconnection, Ended(error=error)).refresh_device == fresh


@BOTH_TIMES
def test_what_is_permanent_at_any_time(accepted: bool) -> None:
    """To have no token is permanent, and that the program has closed its Webex."""
    for error in (AuthenticationError(401, "no token"), TokenRefusedError(4401, "refused")):
        assert never(a_reconnection(accepted=accepted), Ended(error=error)) is error
    assert str(never(a_reconnection(accepted=accepted), Ended(closed=True))) == "closed"


BACKOFFS = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 32.0, 32.0, 32.0]


@pytest.mark.parametrize(
    "ended", [NO_ANSWER, DROPPED, Ended(code=1000, accepted_for=29.9)], ids=str
)
def test_backoff(ended: Ended, bounds: list[tuple[float, float]]) -> None:
    """The wait is drawn from 0 s up to 1, 2, 4 ... 32 s, for attempts in a row, without end."""
    reconnection = a_reconnection()

    delays = [again(reconnection, ended).delay for _ in range(10_000)]

    assert delays[:9] == BACKOFFS
    assert bounds[:9] == [(0.0, bound) for bound in BACKOFFS]
    assert delays[-1] == max(delays) == USUAL.longest_backoff


@pytest.mark.usefixtures("bounds")
def test_only_a_good_connection_resets_the_backoff() -> None:
    """A connection of less than 30 s leaves the backoff where it is; after one of 30 s it is 0."""
    reconnection = a_reconnection()
    ends = [NO_ANSWER] * 3 + [Ended(accepted_for=s) for s in (29.999, 30.0, 60.0)] + [NO_ANSWER] * 2

    assert [again(reconnection, ended).delay for ended in ends] == [1, 2, 4, 8, 0, 0, 2, 4]


@pytest.mark.usefixtures("bounds")
def test_server_that_goes_away_at_once() -> None:
    """The first shutdown notice is followed at once; notices in a row, with a backoff."""
    reconnection = a_reconnection()
    leaving = Ended(going_away=True, accepted_for=0.0)

    assert [again(reconnection, leaving).delay for _ in range(7)] == [0, 2, 4, 8, 16, 32, 32]


@pytest.mark.usefixtures("bounds")
def test_retry_after() -> None:
    """The server is given the time that it asks for, an hour at most, but no less than usual."""
    reconnection = a_reconnection()
    asked = (0.0, 0.0, 9.0, 1.0, 120.0, 1e9)

    delays = [again(reconnection, Ended(status=429, retry_after=one)).delay for one in asked]

    assert delays == [1.0, 2.0, 9.0, 8.0, 120.0, 3600.0]


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
        (Ended(code=1013, reason="try again later"), 1013, "try again later"),
        (Ended(status=503, reason="the upgrade was answered"), 503, "the upgrade was answered"),
        (Ended(), None, "the connection was lost"),
        (Ended(error=DecodeError("$", "JSON", "nothing")), None, "$: expected JSON, found nothing"),
    ],
    ids=str,
)
def test_error_when_time_is_up(ended: Ended, code: int | None, reason: str) -> None:
    """It is the error of the last attempt, or has its code or status and its words."""
    error = error_of(ended)

    assert type(error) is ListenError
    assert (error.code, error.reason) == (code, reason)
    for known in (ApiError(503, "down"), NO_ANSWER.error, ListenError(4400, "no")):
        assert error_of(Ended(error=known, reason="words")) is known


def test_error_for_a_refused_token() -> None:
    """It has no code where there was none, and words of our own."""
    error = token_refused(Ended())

    assert (error.code, error.reason, error.status_code) == (None, "Webex refused the token", 401)
