"""What the paper says of its figures."""

from __future__ import annotations

GAIN = 23.0
"""Per cent that EDMSAC is above DMSAC by, at most, says the paper."""
