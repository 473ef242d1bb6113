"""All learned modules of a phone trained on one machine, and written as an agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from edgewise.agent.modules.learned.kind import PhoneKind, moments
from edgewise.agent.modules.learned.moments import MIXED, NAMES
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.construction.agent import Agent, integrate
from edgewise.construction.artefact import Module, describe, pack, unpack
from edgewise.construction.keys import Key, make_key
from edgewise.construction.kind import MODULES, Data
from edgewise.construction.modules.learned import LearnedKind

KINDS = ("phone-memory", "phone-planning", "phone-decision", "phone-reflection", "phone-action")
"""Kinds that are trained, by the names under which they are registered."""


@dataclass(frozen=True)
class Schooling:
    """How modules are trained.

    Attributes:
        examples: moments of tasks that are drawn; action learns from those in which something is typed.
        rounds: passes over them.
        seed: of moments, weights and their order.
        apps: of the phone, whose tasks are learned.
        language: of most phones, or "mixed".
    """

    examples: int = 32_768
    rounds: int = 6
    seed: int = 0
    apps: tuple[str, ...] = NAMES
    language: str = MIXED

    def __post_init__(self) -> None:
        check_integer("examples", self.examples, 64)
        check_integer("rounds", self.rounds, 1)
        check_integer("seed", self.seed, 0)


def phone_kind(name: str) -> LearnedKind:
    """A registered kind that learns for a phone: one of `KINDS`, perception of signs, or one of another package.

    Raises:
        ConfigurationError: if there is none of the name.
    """
    kind = MODULES.find(name)
    if not isinstance(kind, LearnedKind) or kind.ground != "phone":
        raise ConfigurationError("kinds", name, "one for a phone, such as " + ", ".join(KINDS))
    return kind


def train_module(
    name: str, schooling: Schooling, data: Data, key: Key, told: Callable[[str], None] = lambda line: None
) -> Module:
    """A trained module, signed.

    Args:
        name: of its kind.
        schooling: of it.
        data: that it learns from, as `examples_of` gives them.
        key: of its author.
        told: is given a line a round.
    """
    kind = phone_kind(name)
    drawn = f"drawn: {', '.join(schooling.apps)}; {schooling.language}; seed {schooling.seed}"
    manifest = describe(name, kind, len(data["answer"]), drawn)
    weights = kind.initial(schooling.seed)
    for number in range(1, schooling.rounds + 1):
        weights, figures = kind.train_round(weights, data, 1000 * schooling.seed + number)
        manifest = replace(manifest, rounds=(*manifest.rounds, figures))
        told(f"{name}: round {number} of {schooling.rounds}, loss {figures['loss']:.4f}")
    return unpack(pack(manifest, weights, key))


def examples_of(name: str, schooling: Schooling) -> Data:
    """Data of a kind: what the drawn moments say to it; of one that does not learn from moments, as many examples."""
    kind = phone_kind(name)
    if not isinstance(kind, PhoneKind):
        return kind.draw_data(schooling.apps, schooling.examples, schooling.seed, schooling.language)
    drawn = islice(moments(schooling.apps, schooling.seed, schooling.language), schooling.examples)
    return kind.data_of(drawn, kind.views * schooling.examples)


def train_agent(
    schooling: Schooling, kinds: Sequence[str] = KINDS, told: Callable[[str], None] = lambda line: None
) -> Agent:
    """An agent of modules that are trained here; it and they are signed with a key that is forgotten.

    Args:
        schooling: of all of them.
        kinds: of the modules, one for a place at most.
        told: is given a line a round.

    Raises:
        ConfigurationError: for a kind that is none of a phone.
    """
    for name in kinds:
        phone_kind(name)
    key = make_key()
    modules = [train_module(name, schooling, examples_of(name, schooling), key, told) for name in kinds]
    return integrate(modules, key, "phone")
