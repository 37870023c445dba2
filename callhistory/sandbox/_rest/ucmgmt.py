"""The lines of UCM users."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest, Forbidden, NotFound

from callhistory.sandbox._rest.answers import caller
from callhistory.sandbox._world.addresses import UCMGMT
from callhistory.sandbox._world.organization import Organization
from callhistory.sandbox._world.ucm_phones import ucm_devices


def ucmgmt(organization: Organization) -> Blueprint:
    """Make the routes of the lines."""
    routes = Blueprint("ucmgmt", __name__, url_prefix=f"{UCMGMT}/v1/uc/config/people")

    @routes.get("/<user_id>/lines")
    def lines(user_id: str) -> Response:
        if request.args.get("orgId") != organization.org_id:
            raise BadRequest("orgId must be the id of the user's organization")
        if organization.account_of_user(user_id) is None:
            raise NotFound("There is no such user")
        if user_id != caller().id:
            raise Forbidden("These are the lines of another user")
        return jsonify(devices=ucm_devices() if organization.backend == "UCM_CALLING" else [])

    return routes
