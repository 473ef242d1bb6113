"""`edgewise COMMAND ...`: choose the command, turn errors into one line and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import told

COMMANDS = {
    "list": ("edgewise.cli.list", "environments, algorithms, reference policies and experiments"),
    "train": ("edgewise.cli.train", "train a policy, or go on with a run"),
    "evaluate": ("edgewise.cli.evaluate", "judge a run's policy beside reference policies on unseen episodes"),
    "compare": ("edgewise.cli.compare", "several runs side by side, with confidence intervals and a figure"),
    "solve": ("edgewise.cli.solve", "exact solutions of problem instances"),
    "experiment": ("edgewise.cli.experiment", "make a paper's tables and figures again"),
    "report": ("edgewise.cli.report", "write one page on a run or on experiments"),
    "mobility": ("edgewise.systems.agent_migration.commands", "import vehicle traces, or generate them with SUMO"),
    "workload": ("edgewise.systems.service_selection.commands", "import recorded requests, or generate bursts of them"),
}


def usage() -> str:
    """The text of `edgewise --help`."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: edgewise COMMAND [options]",
            "",
            "Learned decisions at the network edge.",
            "",
            "commands:",
            *lines,
            "",
            "edgewise COMMAND --help tells a command's options, their units and defaults.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: as typed after `edgewise`; none takes the process's own.

    Returns:
        0 when done, 2 for input that is not allowed, 1 for anything else that went wrong, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(usage(), end="")
        return 0 if words else 2
    if words[0] == "--version":
        print(__version__)
        return 0
    if words[0] not in COMMANDS:
        print(f"edgewise: command = {words[0]!r}: must be one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = importlib.import_module(COMMANDS[words[0]][0])
    try:
        code: int = command.run(words[1:])
        return code
    except EdgewiseError as error:
        print(f"edgewise {words[0]}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as request:
        return request.code if isinstance(request.code, int) else 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        print(f"edgewise {words[0]}: {told(error)}", file=sys.stderr)
        return 1
