"""One user at Webex: catalog, device and history."""
