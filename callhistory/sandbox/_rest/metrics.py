"""What clients report about themselves: accepted and forgotten."""

from __future__ import annotations

from flask import Blueprint, Response

from callhistory.sandbox._world.addresses import METRICS


def metrics() -> Blueprint:
    """Make the routes of the metrics."""
    routes = Blueprint("metrics", __name__, url_prefix=METRICS)

    @routes.post("/<path:resource>")
    def accept(resource: str) -> Response:
        return Response(status=204)

    return routes
