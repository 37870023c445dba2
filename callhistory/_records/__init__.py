"""Values: what Webex sends and what the calls return. No I/O."""
