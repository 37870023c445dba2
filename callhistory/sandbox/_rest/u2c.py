"""The service catalog."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from callhistory.sandbox._world.addresses import U2C
from callhistory.sandbox._world.organization import Organization


def u2c(organization: Organization) -> Blueprint:
    """Make the routes of the catalog."""
    routes = Blueprint("u2c", __name__, url_prefix=U2C)

    @routes.get("/catalog", endpoint="catalog")
    @routes.get("/limited/catalog", endpoint="limited_catalog")
    def catalog() -> Response:
        if request.args.get("format") != "hostmap":
            raise BadRequest("format must be hostmap")
        return jsonify(organization.addresses.catalog())

    return routes
