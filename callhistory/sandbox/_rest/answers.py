"""What the answers of all services have in common."""

from __future__ import annotations

from typing import Any, cast
from uuid import uuid4

from flask import Response, g, jsonify, request
from werkzeug.exceptions import BadRequest

from callhistory.sandbox._world.accounts import Account


def tracking_id() -> str:
    """Return the tracking id of the request, or a new one if it has none."""
    if "tracking_id" not in g:
        g.tracking_id = request.headers.get("trackingid") or f"SANDBOX_{uuid4()}_1"
    return cast(str, g.tracking_id)


def refusal(status: int, message: str) -> Response:
    """Return a refusal in the form that Webex uses."""
    answer = jsonify(message=message, errors=[{"description": message}], trackingId=tracking_id())
    answer.status_code = status
    return answer


def caller() -> Account:
    """Return the account that the request's token belongs to."""
    return cast(Account, g.account)


def json_body() -> Any:
    """Return the body of the request.

    Raises:
        BadRequest: it is not JSON, or its content type is another.
    """
    if request.mimetype != "application/json":
        raise BadRequest("content-type must be application/json")
    try:
        return request.get_json()
    except (BadRequest, RecursionError):
        raise BadRequest("the body must be JSON") from None
