"""Where the services of a sandbox are."""

from __future__ import annotations

from typing import Any

import attrs

HOST = "127.0.0.1"
JANUS = "/janus/api/v1"
MERCURY = "/v1"
METRICS = "/metrics/api/v1"
REGISTRATIONS = f"{MERCURY}/apps/wx2/registrations"
TOKEN = "/v1/access_token"  # noqa: S105 - a path, no password
U2C = "/u2c/api/v1"
UCMGMT = "/ucmgmt"
WDM = "/wdm/api/v1"


@attrs.frozen
class Addresses:
    """The addresses of one sandbox.

    Attributes:
        port: where HTTP is answered.
        mercury_port: where websockets are answered.
    """

    port: int
    mercury_port: int

    def http(self, path: str) -> str:
        """Give the address of a path."""
        return f"http://{HOST}:{self.port}{path}"

    def registration(self, registration: str) -> str:
        """Give the address of a registration's websocket."""
        return self.websocket(f"{REGISTRATIONS}/{registration}/messages")

    def websocket(self, path: str) -> str:
        """Give the address of a path that websockets are answered at."""
        return f"ws://{HOST}:{self.mercury_port}{path}"

    def catalog(self) -> dict[str, Any]:
        """Give the service catalog; no service link in it is a prefix of another's."""
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
            # The JavaScript SDK wants an object here. It would add the port of a host's address to
            # the host, and both ports are at the same host.
            "hostCatalog": {},
        }
