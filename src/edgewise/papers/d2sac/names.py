"""What the paper's policies and metrics are called."""

from __future__ import annotations

OURS = "D2SAC"
CONTROL = "SAC, same settings"
"""SAC with D2SAC's settings, which the paper lacks: it tells what the diffusion actor adds."""
RETURN = "return"
RANDOM, PROPHET, BASELINE = "random", "prophet", "crash-avoid"
VALUE_BASED, POLICY_BASED = "value-based", "policy-based"
"""Groups of learners."""
NAMES = {RANDOM: "Random", "round-robin": "Round Robin", BASELINE: "Crash Avoid", PROPHET: "Prophet"}
CHAIN = "reverse chain"
"""Name of the probe of Fig. 8."""
TASK_SHOWN = 300
"""Place in an episode of the task for which Fig. 8 shows the choice."""


def name(label: str) -> str:
    """The name of a policy, as the paper writes it."""
    return NAMES.get(label, label)
