"""What happens, while it happens: live events."""
