"""`edgewise COMMAND ...`: choose the command, turn errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edgewise import __version__
from edgewise.cli.words import listed
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import told
from edgewise.common.program_cache import keep_programs
from edgewise.common.table import resolve, unknown
from edgewise.environments import registry
from edgewise.environments.system import Command

COMMANDS = {
    "list": Command("edgewise.cli.list:run", "environments, algorithms, reference policies and experiments"),
    "train": Command("edgewise.cli.train:run", "train a policy, or go on with a run"),
    "evaluate": Command(
        "edgewise.cli.evaluate:run", "evaluate a run's policy beside reference policies on unseen episodes"
    ),
    "card": Command("edgewise.cli.card:run", "what a policy was trained on, its figures and limits, how to use it"),
    "compare": Command("edgewise.cli.compare:run", "several runs side by side, with confidence intervals and a figure"),
    "solve": Command("edgewise.cli.solve:run", "exact solutions of problem instances"),
    "drive": Command("edgewise.cli.drive:run", "traffic and requests for a running server"),
    "construct": Command(
        "edgewise.cli.construct:run", "agents built by edge servers under a contract: cloud, edge servers, books"
    ),
    "phone": Command("edgewise.cli.phone:run", "phones that an agent operates, real or simulated"),
    "agent": Command("edgewise.cli.agent:run", "agents that operate a phone: run, evaluate, look at what they did"),
    "experiment": Command("edgewise.cli.experiment:run", "make a paper's tables and figures again"),
    "serve": Command("edgewise.cli.serve:run", "put policies to work: decisions over HTTP"),
    "decisions": Command("edgewise.cli.decisions:run", "write the decisions that a server has kept to a file"),
    "show": Command("edgewise.cli.show:run", "replay an episode as a page with a time slider"),
    "watch": Command("edgewise.cli.watch:run", "all runs of a folder, live, as a page or in the terminal"),
    "report": Command("edgewise.cli.report:run", "write one page on a run or on experiments"),
}
HELP = {"-h", "--help"}


def commands() -> dict[str, Command]:
    """Every command by its word: those of all systems, then those that a system adds."""
    added = {word: command for system in registry.SYSTEMS.items() for word, command in system.commands.items()}
    return {**COMMANDS, **{word: command for word, command in added.items() if word not in COMMANDS}}


def usage() -> str:
    """The text of `edgewise --help`."""
    return "\n".join(
        [
            "usage: edgewise COMMAND [options]",
            "",
            "Learned decisions at the network edge.",
            "",
            "commands:",
            listed({word: command.summary for word, command in commands().items()}),
            "",
            "edgewise COMMAND --help tells a command's options, their units and defaults.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: as typed after `edgewise`. If None, those of the process.

    Returns:
        0 when done, 2 for input that is not allowed, 1 for anything else that went wrong, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    called = " ".join(["edgewise", *words[:1]])
    # Closed by the caller, as by `>&-`: libraries print and ask whether it is a terminal all the same.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 until the process ends
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    try:
        code = _carry_out(words)
        sys.stdout.flush()
        return code
    except EdgewiseError as error:
        print(f"{called}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _let_go_of_output()
        return 1
    except OSError as error:
        print(f"{called}: {told(error)}", file=sys.stderr)
        _let_go_of_output()
        return 1
    except Exception:
        fault = _platform_fault()
        if fault is None:
            raise
        print(f"{called}: {fault}", file=sys.stderr)
        return fault.exit_code


def _carry_out(words: list[str]) -> int:
    """Find the command and run it; the exit code."""
    if not words or words[0] in HELP:
        print(usage(), end="")
        return 0 if words else 2
    if words[0] == "--version":
        print(__version__)
        return 0
    command = COMMANDS.get(words[0]) or commands().get(words[0])
    if command is None:
        raise unknown("command", words[0], commands())
    if not HELP & set(words):
        keep_programs()
    try:
        code: int = resolve(command.target)(words[1:])
    except SystemExit as request:
        return request.code if isinstance(request.code, int) else 1
    return code


def _let_go_of_output() -> None:
    """Where nothing more can be printed, keep Python from trying again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _platform_fault() -> EdgewiseError | None:
    """Why JAX cannot calculate here, where its own error says something else."""
    from edgewise.numerics.platform import require_platform

    try:
        require_platform()
    except EdgewiseError as fault:
        return fault
    return None
