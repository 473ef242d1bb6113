"""`edgewise phone COMMAND ...`: phones that an agent operates, real or simulated."""

from __future__ import annotations

import importlib

from edgewise.cli.words import listed
from edgewise.common.extras import missing
from edgewise.common.table import unknown
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
    if not words or words[0].startswith("-"):
        print("usage: edgewise phone COMMAND [options]\n\nphones that an agent operates, real or simulated:")
        print(listed({name: command.summary for name, command in COMMANDS.items()}))
        print("\nedgewise phone COMMAND --help tells its options.")
        return 0 if words and words[0] in ("-h", "--help") else 2
    if words[0] not in COMMANDS:
        raise unknown("phone", words[0], COMMANDS)
    module, _, name = COMMANDS[words[0]].target.partition(":")
    try:
        command = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise missing(error.name or "adbutils", "agent", error) from None
    code: int = command(words[1:])
    return code
