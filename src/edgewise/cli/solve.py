"""`edgewise solve SYSTEM ...`: exact solutions of problem instances."""

from __future__ import annotations

from edgewise.common.table import resolve
from edgewise.environments import registry


def run(words: list[str]) -> int:
    """Carry the command out."""
    solvers = {system.name: system.solver for system in registry.SYSTEMS.items() if system.solver is not None}
    if not words or words[0] not in solvers:
        width = max(map(len, solvers), default=0)
        print("usage: edgewise solve SYSTEM [options]\n\nsystems:")
        print("\n".join(f"  {name:<{width}}  {solver.summary}" for name, solver in solvers.items()))
        return 0 if words and words[0] in ("-h", "--help") else 2
    code: int = resolve(solvers[words[0]].target)(words[1:])
    return code
