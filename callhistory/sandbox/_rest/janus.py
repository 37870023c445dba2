"""The call history."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from callhistory.sandbox._rest.answers import caller, json_body
from callhistory.sandbox._rest.rules import read_fetch, read_pairs
from callhistory.sandbox._world.addresses import JANUS
from callhistory.sandbox._world.changes import Change, ChangeKind
from callhistory.sandbox._world.organization import Organization


def janus(organization: Organization) -> Blueprint:
    """Make the routes of the call history."""
    routes = Blueprint("janus", __name__, url_prefix=f"{JANUS}/history/userSessions")

    @routes.get("")
    def fetch() -> Response:
        asked = read_fetch(request)
        sessions = caller().history.fetch(
            asked.since,
            limit=asked.limit,
            descending=asked.descending,
            new_session_types=asked.new_session_types,
            shared_sessions=asked.shared_sessions,
        )
        return jsonify(statusCode=200, userSessions=sessions)

    @routes.post("/setReadState")
    def set_read_state() -> Response:
        pairs = read_pairs(json_body(), "endTimeSessionIds")
        _tell(ChangeKind.VIEWED, caller().history.mark_read(pairs))
        return jsonify(statusCode=200)

    @routes.post("/markAsDeleted")
    def mark_as_deleted() -> Response:
        pairs = read_pairs(json_body(), "deleteSessionIds")
        _tell(ChangeKind.DELETED, caller().history.delete(pairs))
        return jsonify(statusCode=200)

    def _tell(kind: ChangeKind, session_ids: list[str]) -> None:
        if session_ids:
            organization.changes.publish(
                Change(
                    kind=kind,
                    user_id=caller().id,
                    session_ids=tuple(session_ids),
                )
            )

    return routes
