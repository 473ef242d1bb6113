"""`edgewise solve SYSTEM ...`: exact solutions of problem instances."""

from __future__ import annotations

from edgewise.cli.words import listed
from edgewise.common.table import resolve, unknown
from edgewise.environments import registry


def run(words: list[str]) -> int:
    """Carry the command out."""
    solvers = {system.name: system.solver for system in registry.SYSTEMS.items() if system.solver is not None}
    if not words or words[0].startswith("-"):
        print("usage: edgewise solve SYSTEM [options]\n\nsystems:")
        print(listed({name: solver.summary for name, solver in solvers.items()}))
        print("\nedgewise solve SYSTEM --help tells a solver's options.")
        return 0 if words and words[0] in ("-h", "--help") else 2
    if words[0] not in solvers:
        raise unknown("system", words[0], solvers)
    code: int = resolve(solvers[words[0]].target)(words[1:])
    return code
