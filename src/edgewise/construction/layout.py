"""Names of files in the folder of a cloud server."""

LOCK = "engine.lock"
"""Locked by the ServerApp as long as it lives."""
OUTCOME = "outcome.json"
"""Written by the ServerApp at its end: the construction, and the error that has ended it, or null."""
ALLOWED = "allowed.json"
"""Public keys of the edge servers that may take part; without it all may."""
