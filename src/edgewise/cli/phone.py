"""`edgewise phone COMMAND ...`: phones that an agent operates, real or simulated."""

from __future__ import annotations

from edgewise.cli.grouped import carry_out
from edgewise.environments.system import Command

COMMANDS = {
    "doctor": Command(
        "edgewise.agent.commands.doctor:run", "check whether an agent can use a phone, and how to mend it"
    ),
    "simulate": Command(
        "edgewise.agent.commands.simulate:run", "a simulated phone that `adb connect` accepts, with a page to use it"
    ),
}


def run(words: list[str]) -> int:
    """Carry the command out."""
    about = "phones that an agent operates, real or simulated"
    return carry_out("phone", about, COMMANDS, "adbutils", "agent", words)
