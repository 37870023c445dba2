"""Where the services of a sandbox are."""

from __future__ import annotations

from typing import Any

import attrs

HOST = "127.0.0.1"
JANUS = "/janus/api/v1"
MERCURY = "/v1"
METRICS = "/metrics/api/v1"
REGISTRATIONS = f"{MERCURY}/apps/wx2/registrations"
TOKEN = "/v1/access_token"  # noqa: S105 - a path, not a password
U2C = "/u2c/api/v1"
UCMGMT = "/ucmgmt"
WDM = "/wdm/api/v1"


@attrs.frozen
class Addresses:
    """The addresses of one sandbox.

    Attributes:
        port: the port of its HTTP server.
        mercury_port: the port of its websocket server.
    """

    port: int
    mercury_port: int

    def http(self, path: str) -> str:
        """Return the HTTP address of a path."""
        return f"http://{HOST}:{self.port}{path}"

    def websocket(self, path: str) -> str:
        """Return the websocket address of a path."""
        return f"ws://{HOST}:{self.mercury_port}{path}"

    def registration(self, registration: str) -> str:
        """Return the websocket address of a registration."""
        return self.websocket(f"{REGISTRATIONS}/{registration}/messages")

    def catalog(self) -> dict[str, Any]:
        """Return the service catalog; no service link in it is a prefix of another."""
        services = {
            "hydra": "/hydra/v1",
            "janus": JANUS,
            "metrics": METRICS,  # the JavaScript SDK fails without one
            "u2c": U2C,
            "ucmgmt-gateway": UCMGMT,
            "wdm": WDM,
        }
        return {
            "serviceLinks": {
                **{name: self.http(path) for name, path in services.items()},
                "mercury": f"http://{HOST}:{self.mercury_port}{MERCURY}",
            },
            # The JavaScript SDK needs an object here. With entries in it, the SDK would append the
            # port of one service to the host of another.
            "hostCatalog": {},
        }
