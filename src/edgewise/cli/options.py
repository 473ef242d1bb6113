"""Options of a command that are the fields of a configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any

HELP = ("-h", "--help", "-H", "--help-verbose")


def part(group: str, default: Any) -> tuple[str, Any, Any]:
    """A field of a command's dataclass: the fields of a configuration as a group of options with its values as defaults."""
    import tyro

    kind = _unchecked(type(default))
    start = kind(**values(default))
    return group, Annotated[kind, tyro.conf.arg(name=group), tyro.conf.OmitArgPrefixes], field(default=start)


def values(config: Any) -> dict[str, Any]:
    """The fields of a configuration by name."""
    return {each.name: getattr(config, each.name) for each in dataclasses.fields(config)}


def option(words: Sequence[str], name: str) -> str | None:
    """The value of an option that must be known before the others can be; the parser checks it again."""
    for place, word in enumerate(words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name:
            return "".join(words[place + 1 : place + 2])
    return None


def _unchecked(kind: type[Any]) -> type[Any]:
    """A configuration that takes any value: the parser would report a mistake in words of its own."""
    namespace = {"__post_init__": lambda self: None, "__doc__": kind.__doc__}
    return dataclasses.make_dataclass(kind.__name__, [], bases=(kind,), frozen=True, namespace=namespace)
