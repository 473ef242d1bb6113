"""What the paper's policies and metrics are called."""

from __future__ import annotations

OURS, GDM = "CGDM", "GDM"
NO_CONFIDENCE, NO_CONSISTENCY = "CGDM w.o. Con", "CGDM w.o. DC"
LATENCY, RETURN = "latency", "return"
NAMES = {
    "random": "Random",
    "look-ahead": "Look-ahead",
    "oracle": "Oracle look-ahead",
    "nearest-next": "Nearest next",
    "bound": "Lower bound",
}


def name(label: str) -> str:
    """The name of a policy, as figures show it."""
    return NAMES.get(label, label)
