"""An agent's modules from its signed folder, as edge servers have built them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewise.agent.agents import AGENTS, Setting
from edgewise.agent.modules.interfaces import Modules
from edgewise.agent.modules.learned.kind import PhoneKind
from edgewise.agent.modules.learned.work import at_work
from edgewise.agent.perception.kind import PhonePerception
from edgewise.agent.perception.plain import PlainPerception
from edgewise.common.errors import EdgewiseError
from edgewise.common.table import resolve
from edgewise.construction.agent import Agent
from edgewise.construction.kind import NAMES

SHOWN = 12
"""Hexadecimal digits of a module's digest that name it."""
SHIPPED = Path(__file__).parent / "learned" / "data" / "agent"
"""The folder of the agent that comes with the package."""
SEES = "edgewise.agent.perception.joined:perception_of"
"""What makes perception of the weights of signs; it is read when it is needed, since it asks for more packages."""
RULES = "rules"
"""Name of the agent whose modules stand in."""


def load_modules(folder: Path | None = None, trusted: str | None = None) -> Modules:
    """The modules of an agent; plain rules stand in where it has none.

    Args:
        folder: of the agent, see `construction.agent.write_agent`. If None, the one that comes with the package.
        trusted: public key of the cloud that must have signed it. If None, any may have.

    Raises:
        EdgewiseError: if it cannot be read, or one of its modules is not for a phone.
        Refused: if a file was changed, is missing or signed by another.
    """
    place = SHIPPED if folder is None else folder
    return modules_of(Agent.load(place, trusted), str(place))


def shipped(setting: Setting) -> Modules:
    """The modules of the agent that comes with the package."""
    return load_modules()


def modules_of(agent: Agent, told: str = "the agent") -> Modules:
    """The modules of an agent; plain rules stand in where it has none.

    Args:
        agent: whose modules are for a phone.
        told: where it is from, for errors.

    Raises:
        EdgewiseError: if one of its modules is not for a phone.
    """
    found: dict[str, Callable[[Any], Any]] = {"perception": PlainPerception()}
    names = {"perception": RULES}
    for name, (kind, weights) in agent.whole.items():
        parts = [each.manifest for each in agent.parts(name)]
        names[name] = "jax:" + "+".join(each.digest[:SHOWN] for each in parts)
        if isinstance(kind, PhonePerception):
            found[name] = resolve(SEES)(weights, kind, text=False)
            continue
        if not isinstance(kind, PhoneKind):
            raise EdgewiseError(f"{told}: the module for {name} is of kind {parts[0].kind}: must be one for a phone")
        found[name] = at_work(kind, weights)
    missing = [name for name in NAMES if name not in found]
    if missing:
        plain = AGENTS.find(RULES)(Setting())
        found |= {name: getattr(plain, name) for name in missing}
        names |= dict.fromkeys(missing, RULES)
    return Modules(**found, names=names)
