"""What the answers of all services have in common."""

from __future__ import annotations

from typing import Any, cast
from uuid import uuid4

from flask import Response, g, jsonify, request
from werkzeug.exceptions import BadRequest

from callhistory.sandbox._world.accounts import Account


def tracking_id() -> str:
    """Give the request's tracking id; one that has none gets one."""
    if "tracking_id" not in g:
        g.tracking_id = request.headers.get("trackingid") or f"SANDBOX_{uuid4()}_1"
    return cast(str, g.tracking_id)


def refusal(status: int, message: str) -> Response:
    """Say no, in the way that Webex words it."""
    answer = jsonify(message=message, errors=[{"description": message}], trackingId=tracking_id())
    answer.status_code = status
    return answer


def caller() -> Account:
    """Give the account whose token the request carries."""
    return cast(Account, g.account)


def json_body() -> Any:
    """Read the request's body.

    Raises:
        BadRequest: it is not JSON, or does not say so.
    """
    if request.mimetype != "application/json":
        raise BadRequest("content-type must be application/json")
    try:
        return request.get_json()
    except (BadRequest, RecursionError):
        raise BadRequest("the body must be JSON") from None
