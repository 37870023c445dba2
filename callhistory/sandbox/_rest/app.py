"""The web application: authentication, catalog, UCM lines, metrics, and the other services."""

from __future__ import annotations

from flask import Flask, Response, g, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound

from callhistory.sandbox._rest.answers import caller, refusal, tracking_id
from callhistory.sandbox._rest.janus import janus
from callhistory.sandbox._rest.oauth import oauth
from callhistory.sandbox._rest.wdm import wdm
from callhistory.sandbox._world.addresses import METRICS, U2C, UCMGMT
from callhistory.sandbox._world.organization import Organization
from callhistory.sandbox._world.session_json import write_json
from callhistory.sandbox._world.ucm_phones import ucm_phones

_WITHOUT_TOKEN = {"limited_catalog", "oauth.refresh", "accept_metrics"}


class _ReadableJson(DefaultJSONProvider):
    """Writes names as they are, including those that are not ASCII."""

    def dumps(self, obj: object, **_options: object) -> str:
        return write_json(obj)


def create_app(organization: Organization) -> Flask:
    """Return the web application of an organization."""
    app = Flask("callhistory.sandbox", static_folder=None)
    app.url_map.merge_slashes = False  # //history is not found, and not redirected either
    app.json = _ReadableJson(app)

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

    @app.get(f"{U2C}/catalog", endpoint="catalog")
    @app.get(f"{U2C}/limited/catalog", endpoint="limited_catalog")
    def catalog() -> Response:
        if request.args.get("format") != "hostmap":
            raise BadRequest("format must be hostmap")
        return jsonify(organization.addresses.catalog())

    @app.get(f"{UCMGMT}/v1/uc/config/people/<user_id>/lines")
    def lines(user_id: str) -> Response:
        if request.args.get("orgId") != organization.org_id:
            raise BadRequest("orgId must be the id of the user's organization")
        if organization.account_of_user(user_id) is None:
            raise NotFound("There is no such user")
        if user_id != caller().id:
            raise Forbidden("These are the lines of another user")
        is_ucm = organization.options.backend == "UCM_CALLING"
        return jsonify(devices=ucm_phones() if is_ucm else [])

    @app.post(f"{METRICS}/<path:resource>")
    def accept_metrics(resource: str) -> Response:
        return Response(status=204)

    for routes in (wdm, janus, oauth):
        app.register_blueprint(routes(organization))
    return app
