"""All services of the local Webex as one web application."""

from __future__ import annotations

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from callhistory.sandbox._rest.answers import refusal, tracking_id
from callhistory.sandbox._rest.janus import janus
from callhistory.sandbox._rest.metrics import metrics
from callhistory.sandbox._rest.oauth import tokens
from callhistory.sandbox._rest.u2c import u2c
from callhistory.sandbox._rest.ucmgmt import ucmgmt
from callhistory.sandbox._rest.wdm import wdm
from callhistory.sandbox._world.organization import Organization
from callhistory.sandbox._world.session_json import write_json


class _Plain(DefaultJSONProvider):
    """Writes names as they are, also those that are not ASCII."""

    def dumps(self, obj: object, **_options: object) -> str:
        return write_json(obj)


_WITHOUT_TOKEN = {"u2c.limited_catalog", "tokens.refresh", "metrics.accept"}


def create_app(organization: Organization) -> Flask:
    """Make the application of an organization."""
    app = Flask("callhistory.sandbox", static_folder=None)
    app.url_map.merge_slashes = False  # //history is not found, and not redirected either
    app.json = _Plain(app)

    @app.before_request
    def authenticate() -> Response | None:
        if request.endpoint in _WITHOUT_TOKEN:
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        account = organization.account_of_token(token) if scheme == "Bearer" else None
        if account is None:
            return refusal(401, "The request requires a valid access token")
        g.account = account
        return None

    @app.after_request
    def track(answer: Response) -> Response:
        answer.headers["trackingid"] = tracking_id()
        return answer

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        return refusal(error.code or 500, error.description or error.name)

    for routes in (u2c, wdm, janus, ucmgmt, tokens):
        app.register_blueprint(routes(organization))
    app.register_blueprint(metrics())
    return app
