"""The websocket half of a sandbox: Mercury, which delivers live events."""
