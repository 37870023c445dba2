"""The values that Webex sends and that the calls return, without I/O."""
