"""What a test can let go wrong."""
