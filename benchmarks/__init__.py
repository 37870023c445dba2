"""How fast and how small the library is, beside what it is built on and beside others."""
