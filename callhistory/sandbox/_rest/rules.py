"""The rules of the call history's requests: a client that breaks one is told which."""

from __future__ import annotations

import re
from datetime import datetime

import attrs
from flask import Request
from werkzeug.exceptions import BadRequest

from callhistory._records.timestamps import read_time
from callhistory.sandbox._world.history import Pair

_WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_POSITIVE = re.compile(r"0*[1-9]\d{0,8}", re.ASCII)
_PARAMETERS = ("from", "limit", "sort", "includeNewSessionTypes", "includeSharedSessions")
_DEFAULT_LIMIT = 50


@attrs.frozen
class Fetch:
    """What a fetch asks for."""

    since: datetime
    limit: int
    descending: bool
    new_session_types: bool
    shared_sessions: bool


def read_fetch(request: Request) -> Fetch:
    """Read the parameters of a fetch.

    Raises:
        BadRequest: one breaks a rule, which the description names.
    """
    for name, values in request.args.lists():
        if name not in _PARAMETERS:
            raise BadRequest(f"{name} is no parameter of this request")
        if len(values) > 1:
            raise BadRequest(f"{name} must be given once")
    sort = request.args.get("sort", "DESC")
    if sort not in ("ASC", "DESC"):
        raise BadRequest("sort must be ASC or DESC")
    return Fetch(
        since=_since(request),
        limit=_limit(request),
        descending=sort == "DESC",
        new_session_types=_flag(request, "includeNewSessionTypes"),
        shared_sessions=_flag(request, "includeSharedSessions"),
    )


def read_pairs(body: object, key: str) -> list[Pair]:
    """Read the pairs of a write from its body.

    Raises:
        BadRequest: the body breaks a rule, which the description names.
    """
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    if key not in body:
        raise BadRequest(f"{key} is missing")
    pairs = body[key]
    if not isinstance(pairs, list) or not pairs:
        raise BadRequest(f"{key} must be a list that is not empty")
    return [_pair(pair, f"{key}[{index}]") for index, pair in enumerate(pairs)]


def _pair(pair: object, where: str) -> Pair:
    if not isinstance(pair, dict):
        raise BadRequest(f"{where} must be an object")
    end_time, session_id = pair.get("endTime"), pair.get("sessionId")
    if type(end_time) is not int:
        raise BadRequest(f"{where}.endTime must be an integer: milliseconds since 1970")
    if not isinstance(session_id, str) or not session_id:
        raise BadRequest(f"{where}.sessionId must be a string that is not empty")
    return end_time, session_id


def _since(request: Request) -> datetime:
    text = request.args.get("from")
    if text is None:
        raise BadRequest("from is missing")
    if _WIRE_TIME.fullmatch(text):
        try:
            return read_time(text)
        except ValueError:
            pass
    raise BadRequest("from must be an ISO 8601 time with milliseconds and Z")


def _limit(request: Request) -> int:
    text = request.args.get("limit")
    if text is None:
        return _DEFAULT_LIMIT
    if not _POSITIVE.fullmatch(text):
        raise BadRequest("limit must be a positive integer")
    return int(text)


def _flag(request: Request, name: str) -> bool:
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false")
    return text == "true"
