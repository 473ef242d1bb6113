"""What the library knows of a system: how to build it, what to measure in it, what to compare with.

Modules that only describe a system load no numerics: what a system needs for its work is imported where it is used.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from edgewise.common.errors import ConfigurationError, NothingToShow
from edgewise.common.table import Table, unknown
from edgewise.common.terminal import number
from edgewise.environments.remembering import RememberingReference

if TYPE_CHECKING:
    from edgewise.environments.service import Service, Solving

Policy = Callable[[Any, Any, Any], Any]
"""`policy(key, state, observation) -> action`. A learned policy ignores the state; a reference may look at it.

In a game observation and action are dictionaries keyed by agent id, and only the actions of those who move count.
"""


Reference = Policy | RememberingReference
REFERENCES: Table[Callable[[Any], Reference]] = Table("edgewise.references", "reference")
"""Reference policies that others bring, named SYSTEM/NAME: a function from an environment to a policy."""


@runtime_checkable
class Session(Protocol):
    """A policy in use, at the start of a step: what was reported so far. It never changes: a report makes the next one."""

    @property
    def observation(self) -> Any:
        """What a policy takes, the observation that the environment would make of the same reports."""

    def orders(self, action: Any) -> Any:
        """What a policy's action means, in the system's own names."""

    def report(self, orders: Any, *reports: Any, **changes: Any) -> Session:
        """The session one step later.

        Args:
            orders: what was carried out.
            reports: what came of it, and what can be seen now, in records of the system.
            changes: who is there now, if others than before.
        """


@dataclass(frozen=True)
class Headline:
    """The metric by which policies of a system are compared.

    Attributes:
        metric: a name in `info`, whose mean over an episode's steps counts; or "return", the sum of an episode's rewards.
        label: the label in words.
        unit: the unit of that figure.
        higher_is_better: whether more of it is better.
        digits: decimals worth printing.
    """

    metric: str
    label: str
    unit: str
    higher_is_better: bool = False
    digits: int = 1

    def text(self, value: float) -> str:
        """A figure of the metric, as printed."""
        return number(value, self.digits)

    @property
    def title(self) -> str:
        """The metric with its unit, which is left out where the label says it already."""
        said = self.unit.removeprefix("per ") in self.label.split()
        return self.label if said else f"{self.label} ({self.unit})"

    def best_first(self, value: float) -> float:
        """A sort key that puts the best figure first."""
        return -value if self.higher_is_better else value


RETURN = Headline("return", "return", "per episode", higher_is_better=True)


@dataclass(frozen=True)
class Preset:
    """Departures from the defaults: the settings that a run of an algorithm on a system starts from.

    Attributes:
        algorithm: fields of the algorithm's configuration.
        training: fields of the training configuration.
    """

    algorithm: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """Words that a system adds to the command line.

    Attributes:
        target: "module:function"; the function takes the words that follow and returns the exit code.
        summary: one line.
    """

    target: str
    summary: str


@dataclass(frozen=True)
class System(abc.ABC):
    """A system, of one agent or several. A system of your own need not give what has a default below.

    Attributes:
        name: the name, as given to the command line.
        summary: one line.
        headline: the metric of the system.
        columns: further metrics that a table shows.
        own_references: the reference policies that the system brings.
        usual_references: those shown unless asked otherwise; empty takes all that the system brings.
        default_algorithm: the algorithm that trains unless another is asked for.
        gymnasium_id: as given to `gymnasium.make`; None for a game, or if it shall not be known there.
        several_agents: whether it is a game.
        actions: the kind of its action space, "box", "discrete" or "matching"; None for a game, or if it depends on the
            environment.
        views: fields of the configuration by which it takes other kinds of action too, by kind.
        training: fields of the training configuration that hold for every algorithm on the system.
        presets: by algorithm, what tuning found.
        commands: by word, what the system adds to `edgewise`.
        solver: the solver of `edgewise solve SYSTEM`; None if there is no solver.
        drives: by word, what `edgewise drive` adds: clients that bring a policy server of the system to life.
        sizes: fields of the configuration that set the size of observations and actions: a policy of fixed size serves only
            the values that it was trained with.
        forms: fields of the configuration that set the form of an observation: where a policy is played, they are those of
            its training.
        shipped: trained policies that come with the system, name to the folder of the artefact.
        rule: the reference policy that views put beside a learned one; empty for none.
    """

    name: str
    summary: str
    headline: Headline = RETURN
    columns: tuple[str, ...] = ()
    own_references: tuple[str, ...] = ("random",)
    usual_references: tuple[str, ...] = ()
    default_algorithm: str = "ppo"
    gymnasium_id: str | None = None
    several_agents: bool = False
    actions: Literal["box", "discrete", "matching"] | None = None
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    presets: Mapping[str, Preset] = field(default_factory=dict)
    commands: Mapping[str, Command] = field(default_factory=dict)
    solver: Command | None = None
    drives: Mapping[str, Command] = field(default_factory=dict)
    sizes: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    shipped: Mapping[str, Path] = field(default_factory=dict)
    rule: str = ""

    def view_for(self, kinds: Sequence[str]) -> Mapping[str, Any]:
        """Fields of the configuration that suit a learner.

        Args:
            kinds: kinds of action that it learns, see `AlgorithmEntry.actions`.
        """
        if self.actions is None or self.actions in kinds:
            return {}
        return next((self.views[kind] for kind in kinds if kind in self.views), {})

    @property
    @abc.abstractmethod
    def config(self) -> type[Any]:
        """Configuration dataclass, all of whose fields have defaults."""

    @abc.abstractmethod
    def build(self, config: Any) -> Any:
        """The environment to train in: an `Environment`, a `Game`, or a `HostTask` if it is stepped outside of compiled code."""

    def build_evaluation(self, config: Any) -> Any:
        """The environment for evaluations: the same instance, and the held-out part of a recording."""
        return self.build(config)

    def game(self, config: Any) -> Any:
        """The system as a game, which some systems of one agent offer too: their parts then decide for themselves.

        Raises:
            ConfigurationError: if it is none.
        """
        if not self.several_agents:
            allowed = "a system that is a game, or offers one; one agent's environments are made by gymnasium.make"
            raise ConfigurationError("system", self.name, allowed)
        return self.build(config)

    def references(self, environment: Any, names: Sequence[str]) -> dict[str, Reference]:
        """Reference policies for an environment of this system, or for many instances of it."""
        return {name: self._reference(environment, name) for name in names}

    def _reference(self, environment: Any, name: str) -> Any:
        from edgewise.environments.instances import DrawnInstances, GroupPolicy, InstanceGroups, InstancePolicy

        if isinstance(environment, InstanceGroups):
            return GroupPolicy(tuple(self._reference(group, name) for group in environment.groups))
        if isinstance(environment, DrawnInstances):
            return InstancePolicy(partial(self._reference, name=name))
        if name in self.own_references:
            return self.own_reference(environment, name)
        return REFERENCES.find(f"{self.name}/{name}")(environment)

    def remarks(self, environment: Any, names: Sequence[str]) -> tuple[str, ...]:
        """What one should know of how reference policies work in an environment of that size, a line each."""
        return ()

    def own_reference(self, environment: Any, name: str) -> Reference:
        """A reference policy that the system brings; by default all are uniformly random."""

        def random(key: Any, state: Any, observation: Any) -> Any:
            return environment.action_space.sample(key)

        return random

    def observation_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        """What the components of an observation are, one `Field` after another; empty if the space describes itself.

        Args:
            environment: whose observations they are.
            agent: who sees them, in a game.
        """
        return ()

    def action_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        """What the components of an action are, one `Field` after another; empty if the space describes itself."""
        return ()

    def action_decoder(self, config: Any, agent: str | None = None) -> Callable[[Any, Any], dict[str, Any]] | None:
        """What reads a policy's actions, or None if their fields suffice.

        Args:
            config: the configuration of the environment.
            agent: whose actions they are, in a game.

        Returns:
            `read(action, observation)`: the named parts of the decision, arrays in the system's own units. The observation may be
            None; a decoder that needs it raises a ConfigurationError then.
        """
        return None

    def data_facts(self, config: Any) -> dict[str, Any]:
        """What a policy of a configuration is trained on, beside the configuration itself: names, ranges, digests.

        Args:
            config: the configuration.
        """
        return {}

    def session(self, config: Any, **start: Any) -> Session:
        """A policy's session outside of any environment.

        Args:
            config: what is known of the system.
            start: who is there and what can be seen at the start, as the system's own sessions take it.

        Raises:
            ConfigurationError: if the system has no sessions, or something that they take is missing or not allowed.
        """
        raise ConfigurationError("environment", self.name, "a system with sessions: this one has none")

    def service(self, config: Any, facts: Mapping[str, Any] | None = None) -> Service | None:
        """The system at work behind a server, or None if it has no sessions there.

        Args:
            config: the configuration of the environment that a policy was trained in.
            facts: what the policy was trained on (`data_facts`). If None, that of the configuration.
        """
        return None

    def solving(self) -> Solving | None:
        """The solver of the system behind a server, or None if there is none."""
        return None

    @property
    def decodes_actions(self) -> bool:
        """Whether there is a decoder."""
        return type(self).action_decoder is not System.action_decoder

    def bound(self, environment: Any, states: Any) -> Any:
        """What no policy can beat in an episode's headline metric, or None if no such figure is known.

        Args:
            environment: the episode's.
            states: the state before each of its steps, along the first axis.
        """
        return None

    def prepare(self, config: Any, folder: Path) -> Any:
        """Make the files that a configuration names ready for a run, and return the configuration to run with.

        Args:
            config: the configuration, as the user gave it.
            folder: the folder of the run; what must be made is written there.
        """
        return config

    def changed(self, config: Any, changes: Mapping[str, Any]) -> Any:
        """A configuration with other values in some fields, and in those that follow from them.

        Args:
            config: the configuration to start from.
            changes: field to value.

        Raises:
            ConfigurationError: if a value is not allowed, or does not suit the others.
        """
        return replace(config, **changes)

    def played(self, config: Any) -> str:
        """What evaluations play, in words, if a configuration names more than one system; else empty."""
        return ""

    def shipped_folder(self, name: str) -> Path:
        """The folder of a policy that comes with the system.

        Raises:
            ConfigurationError: if there is no policy of that name.
        """
        if name not in self.shipped:
            raise (
                unknown("policy", name, self.shipped)
                if self.shipped
                else ConfigurationError(
                    "policy", name, f"the folder of a run or of a policy: none comes with {self.name}"
                )
            )
        return self.shipped[name]

    def pictures(self, environment: Any, policy: Any, rows: Sequence[Any], seed: int) -> list[Any]:
        """Pictures for the report of a run, each a `Picture`.

        Args:
            environment: in which they were evaluated.
            policy: the learned one, a `RememberingPolicy`.
            rows: what policies did, each a `Judgement`; the learned one first.
            seed: the seed of an episode to show.
        """
        return []

    def scenes(self, environment: Any, moments: Any) -> list[Any]:
        """What views show of steps of an episode: a `drawing.scene.Scene` for each.

        Args:
            environment: in which they were made; one instance, never many.
            moments: the steps, `edgewise.environments.moments.Moments`.

        Raises:
            NothingToShow: if the system has no views.
        """
        raise NothingToShow("environment", self.name, "a system that views can show: this one has no scenes")

    @property
    def draws(self) -> bool:
        """Whether there are scenes."""
        return type(self).scenes is not System.scenes

    @property
    def reference_names(self) -> tuple[str, ...]:
        """Every reference policy: the system's own, and those that others bring."""
        start = f"{self.name}/"
        return (*self.own_references, *(n.removeprefix(start) for n in REFERENCES.names() if n.startswith(start)))

    def choose_references(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """The usual references for None, every one for "all", else the named ones.

        Raises:
            ConfigurationError: for a name that does not exist.
        """
        if names is None:
            return self.usual_references or self.own_references
        if "all" in names:
            return self.reference_names
        for name in names:
            if name not in self.reference_names:
                raise unknown("against", name, self.reference_names, "all")
        return tuple(names)
