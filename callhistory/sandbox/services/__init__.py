"""The services of the local Webex, one module each."""
