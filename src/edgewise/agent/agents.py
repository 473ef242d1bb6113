"""Agents by name: whoever has modules of his own makes them known through the entry points `edgewise.agents`.

An entry is a function from a `Setting` to the six modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from edgewise.agent.modules.interfaces import Modules
from edgewise.common.errors import ConfigurationError
from edgewise.common.table import Table, resolve

if TYPE_CHECKING:
    from edgewise.agent.truth import Truth


@dataclass(frozen=True)
class Setting:
    """What modules are made for.

    Attributes:
        seed: of whatever they draw.
        tree: whether the tree of elements may be used.
        truth: exact knowledge of a simulated phone and its task. If None, there is none: a real phone, or no task.
        options: of the back end, by name, as `--option NAME=VALUE` gives them.
    """

    seed: int = 0
    tree: bool = True
    truth: Truth | None = None
    options: Mapping[str, str] = field(default_factory=dict)


Maker = Callable[[Setting], Modules]
AGENTS: Table[Maker] = Table("edgewise.agents", "modules")
"""Makers of modules by name."""
FOLDER = "edgewise.agent.modules.folder:load_modules"
"""What reads the modules in an agent's folder."""


def read_options(given: Sequence[str]) -> dict[str, str]:
    """Options of a back end as they are typed, `NAME=VALUE`.

    Raises:
        ConfigurationError: for what is not so.
    """
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise ConfigurationError("option", each, "NAME=VALUE")
        found[name] = value
    return found


def make_modules(name: str, setting: Setting) -> Modules:
    """The modules of a name, or of an agent's folder.

    Raises:
        ConfigurationError: if there is neither.
        EdgewiseError: if they cannot be made.
    """
    if name in AGENTS.names() or not Path(name).is_dir():
        return AGENTS.find(name, "an agent's folder")(setting)
    return _of_folder(Path(name).resolve())


@cache
def _of_folder(folder: Path) -> Modules:
    modules: Modules = resolve(FOLDER)(folder)
    return modules
