"""An experiment as data: settings, learners, references, and what is made of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edgewise.common.errors import ConfigurationError
from edgewise.execution.contract import Executor
from edgewise.experiments.cell import Bound, Cell, Learned, Player, Reference
from edgewise.experiments.compute import compute
from edgewise.experiments.results import Outcome, Output, Results
from edgewise.experiments.setting import Learner, Profile, Setting
from edgewise.experiments.store import Store

TEST_SEED = 1_000_003
BOUND = "bound"


@dataclass(frozen=True)
class Experiment:
    """Every learner and reference in every setting.

    Attributes:
        name: as given to the command line.
        title: one line.
        settings: at least one.
        learners: what is trained.
        references: reference policies of the systems; "bound" is what no policy can beat.
        output: makes a figure and a table of the results.
        trained_in: where all learners are trained; none trains them anew in every setting.
        spared: labels of learners that only a profile with the paper's steps trains, unless they are asked for.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    learners: tuple[Learner, ...]
    references: tuple[str, ...]
    output: Callable[[Results], Output]
    trained_in: Setting | None = None
    spared: tuple[str, ...] = ()

    def labels(self) -> tuple[str, ...]:
        """Of learners and references."""
        return (*(learner.label for learner in self.learners), *self.references)

    def cells(self, profile: Profile, only: Sequence[str] = ()) -> list[tuple[Setting, str, Cell]]:
        """The cells, each with its setting and label.

        Args:
            profile: what may be spent.
            only: labels to keep; none keeps all.

        Raises:
            ConfigurationError: for a label, a name or a field that does not exist, or a value that is not allowed.
        """
        for label in only:
            if label not in self.labels():
                raise ConfigurationError(
                    "only", label, f"one of {', '.join(self.labels())}, the policies of {self.name}"
                )
        kept = [
            (setting, label, player)
            for setting in self.settings
            for label, player in self._players(setting, profile, only)
        ]
        return [
            (setting, label, Cell(setting.environment, setting.build(), player, profile.episodes, TEST_SEED))
            for setting, label, player in kept
        ]

    def _players(self, setting: Setting, profile: Profile, only: Sequence[str]) -> Iterator[tuple[str, Player]]:
        for learner in self.learners:
            spare = learner.label in self.spared and profile.steps < profile.paper_steps
            if learner.label in only or not (only or spare):
                yield learner.label, Learned(learner.run(self.trained_in or setting, profile))
        for name in self.references:
            if not only or name in only:
                yield name, Bound() if name == BOUND else Reference(name)


def run_experiment(
    experiment: Experiment, profile: Profile, store: Store, executor: Executor, only: Sequence[str] = ()
) -> Results:
    """Compute what is missing of an experiment, and gather its results."""
    cells = experiment.cells(profile, only)
    results = compute((cell for _, _, cell in cells), store, executor)
    outcomes = (
        Outcome(
            setting, label, cell.player, results[cell.address],
            store.run_folder(cell.player) if isinstance(cell.player, Learned) else None,
        )
        for setting, label, cell in cells
    )  # fmt: skip
    return Results(profile, tuple(outcomes))
