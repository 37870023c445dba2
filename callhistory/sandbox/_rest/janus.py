"""Janus, the call history, and the rules of its requests: a refusal names the broken one."""

from __future__ import annotations

import re
from datetime import datetime

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from callhistory._records.timestamps import read_time
from callhistory.sandbox._rest.answers import caller, json_body
from callhistory.sandbox._world.addresses import JANUS
from callhistory.sandbox._world.announcements import deleted_sessions, viewed_sessions
from callhistory.sandbox._world.history import History, Pair
from callhistory.sandbox._world.organization import Organization

_WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_POSITIVE = re.compile(r"0*[1-9]\d{0,8}", re.ASCII)
_PARAMETERS = ("from", "limit", "sort", "includeNewSessionTypes", "includeSharedSessions")


def janus(organization: Organization) -> Blueprint:
    """Return the routes of the call history."""
    routes = Blueprint("janus", __name__, url_prefix=f"{JANUS}/history/userSessions")
    announcements = organization.announcements

    @routes.get("")
    def fetch() -> Response:
        for name, values in request.args.lists():
            if name not in _PARAMETERS:
                raise BadRequest(f"{name} is not a parameter of this request")
            if len(values) > 1:
                raise BadRequest(f"{name} must be given once")
        sort = request.args.get("sort", "DESC")
        if sort not in ("ASC", "DESC"):
            raise BadRequest("sort must be ASC or DESC")
        sessions = history().fetch(
            _since(),
            limit=_limit(),
            descending=sort == "DESC",
            new_session_types=_flag("includeNewSessionTypes"),
            shared_sessions=_flag("includeSharedSessions"),
        )
        return jsonify(statusCode=200, userSessions=sessions)

    @routes.post("/setReadState")
    def set_read_state() -> Response:
        if found := history().mark_read(_pairs("endTimeSessionIds")):
            announcements.publish(caller().id, viewed_sessions(found))
        return jsonify(statusCode=200)

    @routes.post("/markAsDeleted")
    def mark_as_deleted() -> Response:
        if found := history().delete(_pairs("deleteSessionIds")):
            announcements.publish(caller().id, deleted_sessions(found))
        return jsonify(statusCode=200)

    def history() -> History:
        return organization.history_of(caller())

    return routes


def _since() -> datetime:
    text = request.args.get("from")
    if text is None:
        raise BadRequest("from is missing")
    if _WIRE_TIME.fullmatch(text):
        try:
            return read_time(text)
        except ValueError:
            pass
    raise BadRequest("from must be an ISO 8601 time with milliseconds and Z")


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not _POSITIVE.fullmatch(text):
        raise BadRequest("limit must be a positive integer")
    return int(text)


def _flag(name: str) -> bool:
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false")
    return text == "true"


def _pairs(key: str) -> list[Pair]:
    body = json_body()
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    if key not in body:
        raise BadRequest(f"{key} is missing")
    pairs = body[key]
    if not isinstance(pairs, list) or not pairs:
        raise BadRequest(f"{key} must be a non-empty list")
    return [_pair(pair, f"{key}[{index}]") for index, pair in enumerate(pairs)]


def _pair(pair: object, where: str) -> Pair:
    if not isinstance(pair, dict):
        raise BadRequest(f"{where} must be an object")
    end_time, session_id = pair.get("endTime"), pair.get("sessionId")
    if type(end_time) is not int:
        raise BadRequest(f"{where}.endTime must be an integer: milliseconds since 1970")
    if not isinstance(session_id, str) or not session_id:
        raise BadRequest(f"{where}.sessionId must be a non-empty string")
    return end_time, session_id
