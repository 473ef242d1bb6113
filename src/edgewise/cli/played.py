"""Commands that play in the environment of a source, changed by options of its system."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import tyro

from edgewise.cli.options import part, values
from edgewise.training.sources import Source, find_source

Options = TypeVar("Options")


@dataclass(frozen=True)
class Instance:
    """The environment to play in.

    Attributes:
        config: its configuration.
        changes: field to value, where the configuration differs from that of the source.
    """

    config: Any
    changes: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The changes in words; empty without any."""
        return ", ".join(f"{name} = {value}" for name, value in self.changes.items())


def parse_source(
    words: Sequence[str], prog: str, command: type[Any], own: tuple[str, Options]
) -> tuple[Options, Source, Instance]:
    """The options of a command, what they are of, and the environment to play in.

    Args:
        words: after the name of the command.
        prog: the command in words.
        command: with the fields `source` and `options`, for words that do not begin with a source, and for help.
        own: name and defaults of the command's own options, which go beside those of the system.

    Raises:
        EdgewiseError: if there is no such source, or a value is not allowed.
        SystemExit: after help, or for words that are no options; the parser has reported them.
    """
    name, rest = "".join(words[:1]), list(words[1:])
    if not name or name.startswith("-"):
        first, more = tyro.cli(command, args=list(words), prog=prog, return_unknown_args=True)
        name, rest = first.source, [word for word in words if word != first.source] if more else []
        if not more:
            source = find_source(name)
            return first.options, source, Instance(source.config, {})
    source = find_source(name)
    config = source.config
    parsed: Any = tyro.cli(
        command_type(config, *own), args=rest, prog=f"{prog} {name}", description=source.system.summary
    )
    given = values(parsed.system)
    changes = {field: value for field, value in given.items() if value != getattr(config, field)}
    made = source.system.changed(config, changes) if changes else config
    return parsed.options, source, Instance(made, changes)


def command_type(config: Any, name: str, options: Any) -> type[Any]:
    """A command's own options and those of an environment that starts from a configuration, as a dataclass."""
    mine: Any = Annotated[type(options), tyro.conf.arg(name=name), tyro.conf.OmitArgPrefixes]
    return dataclasses.make_dataclass("Played", [("options", mine, options), part("system", config)], frozen=True)
