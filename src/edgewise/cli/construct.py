"""`edgewise construct COMMAND ...`: agents whose modules are built by edge servers under a two-period contract."""

from __future__ import annotations

from edgewise.cli.grouped import carry_out
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
    about = "agents built by edge servers under a contract"
    return carry_out("construct", about, COMMANDS, "flwr", "federation", words)
