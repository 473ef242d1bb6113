"""`edgewise agent COMMAND ...`: agents that operate a phone."""

from __future__ import annotations

from edgewise.cli.grouped import carry_out
from edgewise.environments.system import Command

COMMANDS = {
    "run": Command("edgewise.agent.commands.run:run", "let an agent do something on a simulated or a real phone"),
    "evaluate": Command(
        "edgewise.agent.commands.evaluate:run", "judge an agent's modules on tasks of the simulated phone"
    ),
    "show": Command("edgewise.agent.commands.show:run", "what an agent did, step by step, as a page"),
    "train": Command("edgewise.agent.commands.train:run", "train an agent's modules on the simulated phone"),
}


def run(words: list[str]) -> int:
    """Carry the command out."""
    return carry_out("agent", "agents that operate a phone", COMMANDS, "pillow", "agent", words)
