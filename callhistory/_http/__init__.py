"""One request to Webex, safely."""
