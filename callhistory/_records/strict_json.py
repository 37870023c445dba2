"""JSON as Webex sends it, and the names of its types."""

from .decode import read_json
from .exact_types import json_type, type_at

__all__ = ["json_type", "read_json", "type_at"]
