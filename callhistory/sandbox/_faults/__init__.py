"""What can go wrong with a sandbox, as a test scripts it."""
