"""`edgewise construct COMMAND ...`: agents whose modules are built by edge servers under a two-period contract."""

from __future__ import annotations

import importlib

from edgewise.cli.words import listed
from edgewise.common.extras import missing
from edgewise.common.table import unknown
from edgewise.environments.system import Command

COMMANDS = {
    "demo": Command(
        "edgewise.construction.commands.demo:run", "all of it on this machine: two periods, an agent, the books"
    ),
    "keys": Command(
        "edgewise.construction.commands.keys:run", "make the keys of a cloud or an edge server; admit edge servers"
    ),
    "cloud": Command(
        "edgewise.construction.commands.cloud:run", "offer a contract, collect, judge and pay modules, deploy"
    ),
    "edge": Command("edgewise.construction.commands.edge:run", "build modules for a cloud server, serve the agent"),
    "calibrate": Command(
        "edgewise.construction.commands.calibrate:run", "measure quality and costs, for a contract that fits"
    ),
    "books": Command(
        "edgewise.construction.commands.books:run", "show the books, check them, write them as CSV or a page"
    ),
}


def run(words: list[str]) -> int:
    """Carry the command out."""
    if not words or words[0].startswith("-"):
        print("usage: edgewise construct COMMAND [options]\n\nagents built by edge servers under a contract:")
        print(listed({name: command.summary for name, command in COMMANDS.items()}))
        print("\nedgewise construct COMMAND --help tells its options.")
        return 0 if words and words[0] in ("-h", "--help") else 2
    if words[0] not in COMMANDS:
        raise unknown("construct", words[0], COMMANDS)
    module, _, name = COMMANDS[words[0]].target.partition(":")
    try:
        command = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise missing(error.name or "flwr", "federation", error) from None
    code: int = command(words[1:])
    return code
