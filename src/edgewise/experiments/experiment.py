"""An experiment in three steps: what is computed (cells and probes), the paper's claims on that, and a drawing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.execution.contract import Executor
from edgewise.experiments.cell import Bound, Cell, Learned, Planned, Player, Reference
from edgewise.experiments.compute import Computed, compute
from edgewise.experiments.probe import Asks, Probes, no_probes
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import BESIDES, Claim, Drawing, Outcome, Output, Results
from edgewise.experiments.setting import Learner, Setting, spent_in
from edgewise.experiments.store import Store

TEST_SEED = 1_000_003
"""Of test episodes; training and model selection use others."""
BOUND = "bound"


def no_claims(results: Results) -> Sequence[Claim | None]:
    """Nothing is claimed."""
    return ()


@dataclass(frozen=True)
class Experiment:
    """Every learner and reference in every setting, and what is made of that.

    `claims` and `plot` see the results alone: they neither train, play nor solve, so that a figure is drawn again in seconds.

    Attributes:
        name: the name, as given to the command line.
        title: one line.
        settings: at least one.
        learners: what is trained.
        references: reference policies of the systems; "bound" is what no policy can beat.
        besides: further reference policies, which the paper has not: in the group `BESIDES`, shown apart, and without a say in
            its claims.
        plot: makes a figure and a table.
        claims: judges what the paper says; a None among them is a claim on policies that were left out.
        probes: what must be computed besides, given the cells.
        trained_in: where all learners are trained; if None, they are trained anew in every setting.
        spared: labels of learners that only a profile with the paper's steps trains, unless they are asked for.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    learners: tuple[Learner, ...]
    references: tuple[str, ...]
    plot: Callable[[Results], Drawing]
    claims: Callable[[Results], Sequence[Claim | None]] = no_claims
    probes: Asks = no_probes
    trained_in: Setting | None = None
    spared: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    def labels(self) -> tuple[str, ...]:
        """The labels of learners and references, in their order."""
        return (*(learner.label for learner in self.learners), *self.references, *self.besides)

    def cells(self, profile: Profile, only: Sequence[str] = ()) -> list[Planned]:
        """The cells, each with its place in the experiment.

        Args:
            profile: what may be spent.
            only: labels to keep; if empty, all are kept.

        Raises:
            ConfigurationError: for a label, a name or a field that does not exist, or a value that is not allowed.
        """
        for label in only:
            if label not in self.labels():
                raise ConfigurationError(
                    "only", label, f"one of {', '.join(self.labels())}, the policies of {self.name}"
                )
        for setting in self.settings:
            self._check_learning(self.trained_in or setting)
        return [planned for setting in self.settings for planned in self._in(setting, profile, only)]

    def _check_learning(self, setting: Setting) -> None:
        for name, value in setting.learning.items():
            if not any(learner.has(name, setting.environment) for learner in self.learners):
                raise ConfigurationError(name, value, f"a field of a learner of {self.name}, in {setting.label}")
        for label in setting.without:
            if label not in (learner.label for learner in self.learners):
                raise ConfigurationError("without", label, f"a learner of {self.name}, in {setting.label}")

    def _in(self, setting: Setting, profile: Profile, only: Sequence[str]) -> Iterator[Planned]:
        def cell(player: Player, environment: Any) -> Cell:
            return Cell(setting.environment, environment, player, spent_in(setting, profile).episodes, TEST_SEED)

        for learner in self.learners:
            spare = learner.label in self.spared and profile.steps < profile.paper_steps
            if learner.label in (self.trained_in or setting).without:
                continue
            if learner.label in only or not (only or spare):
                player = Learned(learner.run(self.trained_in or setting, profile))
                judged = cell(player, learner.environment(setting))
                at = {**setting.at, **learner.at}
                yield Planned(setting, learner.label, judged, at, learner.group or setting.group)
        groups = {**dict.fromkeys(self.references, setting.group), **dict.fromkeys(self.besides, BESIDES)}
        for name, group in groups.items():
            if not only or name in only:
                reference = Bound() if name == BOUND else Reference(name)
                yield Planned(setting, name, cell(reference, setting.build()), setting.at, group)

    def output(self, results: Results) -> Output:
        """The second and third step: claims and a drawing."""
        drawn = self.plot(results)
        claims = tuple(claim for claim in self.claims(results) if claim is not None)
        return Output(drawn.figure, drawn.data, drawn.table, claims, drawn.notes)


@dataclass(frozen=True)
class Plan:
    """The first step of an experiment: all that is computed, under one profile.

    Attributes:
        profile: what may be spent.
        cells: with their places.
        probes: by name and by what they are of.
    """

    profile: Profile
    cells: tuple[Planned, ...]
    probes: Probes

    @classmethod
    def of(cls, experiment: Experiment, profile: Profile, only: Sequence[str] = ()) -> Plan:
        """The plan of an experiment, or of some of its policies.

        Raises:
            ConfigurationError: see `Experiment.cells`.
        """
        cells = experiment.cells(profile, only)
        return cls(profile, tuple(cells), experiment.probes(cells))

    def gather(self, computed: Computed, store: Store) -> Results:
        """What was computed, each in its place."""
        outcomes = [
            Outcome.of(planned, computed.cells[planned.cell.address], _run_folder(planned.cell.player, store))
            for planned in self.cells
        ]
        probes = {key: computed.probes[probe.address] for key, probe in self.probes.items()}
        return Results(self.profile, tuple(outcomes), probes)


def compute_plans(plans: Sequence[Plan], store: Store, executor: Executor) -> list[Results]:
    """Compute what is missing of all plans at once: what several need is compiled and trained once.

    Raises:
        StoreError: if a stored result was made with another configuration or version.
        Interrupted: after Ctrl-C.
    """
    cells = [planned.cell for plan in plans for planned in plan.cells]
    probes = [probe for plan in plans for probe in plan.probes.values()]
    computed = compute(cells, store, executor, probes)
    return [plan.gather(computed, store) for plan in plans]


def run_experiment(
    experiment: Experiment, profile: Profile, store: Store, executor: Executor, only: Sequence[str] = ()
) -> Results:
    """The first step: compute what is missing of an experiment, and gather its results."""
    [results] = compute_plans([Plan.of(experiment, profile, only)], store, executor)
    return results


def _run_folder(player: Player, store: Store) -> Path | None:
    return store.run_folder(player) if isinstance(player, Learned) else None
