"""`edgewise solve SYSTEM ...`: exact solutions of problem instances."""

from __future__ import annotations

import importlib

SYSTEMS = {
    "dynamic-contract": (
        "edgewise.systems.dynamic_contract.solve",
        "the best two-period menu of an instance in a YAML file",
    ),
    "service-selection": (
        "edgewise.systems.service_selection.solve",
        "the best schedule found for an episode whose arrivals are known, and a bound for every policy",
    ),
    "twin-trading": (
        "edgewise.systems.twin_trading.solve",
        "equilibrium prices and demands of a bandwidth market in a YAML file",
    ),
}


def run(words: list[str]) -> int:
    """Carry the command out."""
    if not words or words[0] not in SYSTEMS:
        width = max(map(len, SYSTEMS))
        print("usage: edgewise solve SYSTEM [options]\n\nsystems:")
        print("\n".join(f"  {name:<{width}}  {summary}" for name, (_, summary) in SYSTEMS.items()))
        return 0 if words and words[0] in ("-h", "--help") else 2
    code: int = importlib.import_module(SYSTEMS[words[0]][0]).run(words[1:])
    return code
