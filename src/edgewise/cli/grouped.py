"""Commands that belong together: `edgewise GROUP COMMAND ...`, each loaded when it is given."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from edgewise.cli.words import listed
from edgewise.common.errors import EdgewiseError
from edgewise.common.extras import missing
from edgewise.common.table import unknown
from edgewise.environments.system import Command


def carry_out(
    group: str, about: str, commands: Mapping[str, Command], library: str, extra: str, words: list[str]
) -> int:
    """Carry out a command of a group, or tell what there is.

    Args:
        group: the first word.
        about: what the group is for.
        commands: by name.
        library: that is probably missing if a command cannot be loaded.
        extra: that brings it.
        words: after the group's name.

    Raises:
        ConfigurationError: for a command that does not exist.
        EdgewiseError: if a library is missing.
    """
    if not words or words[0].startswith("-"):
        print(f"usage: edgewise {group} COMMAND [options]\n\n{about}:")
        print(listed({name: command.summary for name, command in commands.items()}))
        print(f"\nedgewise {group} COMMAND --help tells its options.")
        return 0 if words and words[0] in ("-h", "--help") else 2
    if words[0] not in commands:
        raise unknown(group, words[0], commands)
    module, _, name = commands[words[0]].target.partition(":")
    try:
        command = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise missing(error.name or library, extra, error) from None
    try:
        code: int = command(words[1:])
    except EdgewiseError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError):  # of something that was found by its name
            raise missing(cause.name or library, extra, cause) from None
        raise
    return code
