"""What a sandbox remembers: its people, their calls and their devices."""
