"""What every kind of training run has: a budget, copies of the environment, evaluations and seeds."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from edgewise.common.errors import ConfigurationError, check_all, check_integer, check_range


@dataclass(frozen=True)
class TrainingConfig(abc.ABC):
    """Budget and bookkeeping of a run.

    Attributes:
        steps: environment steps per seed, over all copies together.
        environments: copies of the environment stepped side by side.
        input_span: what the learner sees: each bounded component of an observation mapped to [-input_span, input_span];
            if None, observations stay as they are. The deployed policy takes them as they are in either case.
        evaluations: number of evaluations, evenly spread over the run.
        evaluation_episodes: episodes of an evaluation.
        checkpoint_every: evaluations between two checkpoints.
        seeds: independent learners, trained side by side.
        seed: training randomness; learner i uses the i-th key derived from it.
        evaluation_seed: randomness of the evaluations that pick the best policy.
        test_seed: randomness of the final test.
    """

    steps: int = 1_000_000
    environments: int = 64
    input_span: float | None = None
    evaluations: int = 20
    evaluation_episodes: int = 50
    checkpoint_every: int = 4
    seeds: int = 1
    seed: int = 0
    evaluation_seed: int = 1
    test_seed: int = 2

    def __post_init__(self) -> None:
        counts = ("steps", "environments", "evaluations", "evaluation_episodes", "checkpoint_every", "seeds")
        seeds = ("seed", "evaluation_seed", "test_seed")
        sizes: list[Callable[[], None]] = [
            *(partial(check_integer, name, getattr(self, name), 1) for name in counts),
            self.check_sizes,
        ]
        others: list[Callable[[], None]] = [
            *(partial(check_integer, name, getattr(self, name), 0, 2**32 - 1) for name in seeds),
            self._check_input_span,
            self._check_distinct_seeds,
        ]
        check_all([partial(self._check_budget, sizes), *others])

    def _check_input_span(self) -> None:
        if self.input_span is not None:
            check_range("input_span", self.input_span, 0, open_low=True)

    def _check_distinct_seeds(self) -> None:
        if len({self.seed, self.evaluation_seed, self.test_seed}) < 3:
            raise ConfigurationError(
                "test_seed", self.test_seed, "different from seed and evaluation_seed, and they too"
            )

    def _check_budget(self, sizes: Iterable[Callable[[], None]]) -> None:
        """The budget must pay for one iteration per evaluation; nothing follows while a size is wrong."""
        check_all(sizes)
        if self.iterations < self.evaluations:
            raise ConfigurationError("steps", self.steps, f"at least {self.fewest_steps}")

    @abc.abstractmethod
    def check_sizes(self) -> None:
        """Check the fields that a kind of run adds."""

    @property
    @abc.abstractmethod
    def fewest_steps(self) -> str:
        """The smallest budget that fits the other sizes, as a sum in words and its value."""

    @property
    @abc.abstractmethod
    def iterations(self) -> int:
        """Iterations of the loop in the whole run: as many as the budget pays for."""

    def iterations_done(self, chunks: int) -> int:
        """Iterations up to the evaluation of that number; they are spread evenly, to one."""
        return self.iterations * chunks // self.evaluations

    @property
    @abc.abstractmethod
    def total_updates(self) -> int:
        """Calls of the algorithm's update in the whole run."""

    @abc.abstractmethod
    def steps_done(self, chunks: int) -> int:
        """Environment steps of a seed after a number of chunks."""
