"""What one user has at Webex: catalog, device, history."""
