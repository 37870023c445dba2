"""The HTTP half of a sandbox: the server, and one module for each larger service."""
