"""OAuth: the endpoint that refreshes access tokens."""

from __future__ import annotations

import math

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest, Unauthorized

from callhistory.sandbox._world.addresses import TOKEN
from callhistory.sandbox._world.organization import Organization

_FORM = "application/x-www-form-urlencoded"
_NINETY_DAYS = 90 * 24 * 3600


def oauth(organization: Organization) -> Blueprint:
    """Return the route that refreshes access tokens."""
    routes = Blueprint("oauth", __name__)

    @routes.post(TOKEN)
    def refresh() -> Response:
        if request.mimetype != _FORM:
            raise BadRequest(f"content-type must be {_FORM}")
        form = request.form
        for name in ("grant_type", "client_id", "client_secret", "refresh_token"):
            if not form.get(name):
                raise BadRequest(f"{name} is missing")
        if form["grant_type"] != "refresh_token":
            raise BadRequest("grant_type must be refresh_token")
        client = form["client_id"], form["client_secret"]
        if client != (organization.client_id, organization.client_secret):
            raise Unauthorized("client_id or client_secret is wrong")
        account = organization.account_of_refresh_token(form["refresh_token"])
        if account is None:
            raise BadRequest("refresh_token is wrong")
        if organization.options.rotate_refresh_tokens:
            account.rotate_refresh_token()
        lifetime = organization.options.token_lifetime
        return jsonify(
            access_token=account.issue_token(organization.clock() + lifetime),
            expires_in=math.ceil(lifetime.total_seconds()),
            refresh_token=account.refresh_token,
            refresh_token_expires_in=_NINETY_DAYS,
            token_type="Bearer",  # noqa: S106 - not a password
        )

    return routes
