"""How long a sandbox waits for its clients, and how much it keeps."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class SandboxLimits:
    """Times in seconds, and sizes.

    Attributes:
        upgrade_timeout: the time to ask for an upgrade after connecting.
        authorization_timeout: the time to authorize after the upgrade.
        client_timeout: the time to read what was sent, and to answer a close frame.
        unacknowledged: the number of unacknowledged envelopes that are kept for each device.
        requests: the number of requests that are recorded.
        connections: the number of connections that are recorded.
        frames: the number of frames that are recorded.
    """

    upgrade_timeout: float = 5.0
    authorization_timeout: float = 5.0
    client_timeout: float = 1.0
    unacknowledged: int = 10_000
    requests: int = 10_000
    connections: int = 10_000
    frames: int = 20_000
