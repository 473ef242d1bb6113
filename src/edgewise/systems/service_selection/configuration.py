"""Configuration of the service-selection system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from edgewise.common.errors import ConfigurationError, check_choice, check_integer, check_range
from edgewise.common.plain import ADDED

Observation = Literal["vector", "entities"]
DRAWN = "drawn"


@dataclass(frozen=True)
class ServiceSelectionConfig:
    """AIGC-as-a-service, section 3 of the D2SAC paper; defaults from its section 6 where it has them, else as
    docs/systems/service-selection.md explains.

    Attributes:
        providers: number of service providers I.
        instance_seed: draws the providers; independent of the seeds of training and evaluation.
        tasks: tasks of an episode J.
        arrival_rate: mean arrivals, tasks per second.
        smallest_task, largest_task: range of the task size T, denoising steps.
        task_step: spacing of task sizes, denoising steps.
        with_offset: add A_y to the utility, so that a score starts there; without it as in the authors' code.
        quality_baseline: score subtracted from the utility of an accepted task.
        show_mask: end the observation with one flag per provider, 1 where it has room for the task; learners with the option
            `masking` then choose no other. Off as in the paper.
        crash_penalty: fixed penalty of a crash, and of each lost task times what was left of it, equation (18).
        providers_file: CSV or YAML file with the providers, instead of drawn ones; it gives `providers` itself.
        workload: CSV file with recorded requests, or "bursty" for the workload that comes with the package. If
            None, arrivals are a Poisson process. The recording's gaps are scaled to `arrival_rate` on the average.
        training_share: part of a workload, in time, that training sees; policies are evaluated on the rest.
        observation: "vector", the numbers of the paper's section 5.1; or "entities", for policies that serve any number of
            providers and learn their qualities from finished tasks.
        quality_delay: pay a task's utility when it ends, as the paper's text has it, and nothing for one that is lost; otherwise
            it is paid on assignment, as in the authors' code. Tasks that run at the end of an episode are waited for.
        quality_noise: standard deviation of an observed score around the utility.
        quality_drift: standard deviation of a provider's level, which wanders: scores are higher or lower by it at all sizes.
        drift_time: time in which a level forgets where it was, s.
        provider_turnover: times that a provider leaves, on the average, in the time of an episode; it finishes what runs, and
            later another one, drawn anew, takes its place.
        earlier_episodes: episodes that are played before at the same providers, whose rewards do not count: what was learned of
            the qualities is kept, running tasks are not.
        instances: many systems instead of this one: "drawn" draws providers, loads and sizes of tasks at random, and evaluation
            is on drawn instances that training never sees.
        sizes: numbers of providers of drawn instances. If empty, 6, 12 and 24, and 20 with the workload that comes with the
            package.
        instances_per_size: drawn instances of each size to train on.
    """

    providers: int = 20
    instance_seed: int = 0
    tasks: int = 1000
    arrival_rate: float = 0.001
    smallest_task: int = 100
    largest_task: int = 250
    task_step: int = 10
    with_offset: bool = False
    quality_baseline: float = 0.0
    crash_penalty: float = 2.0
    show_mask: bool = False
    providers_file: str | None = None
    workload: str | None = None
    training_share: float = 0.6
    observation: Observation = field(default="vector", metadata=ADDED)
    quality_delay: bool = field(default=False, metadata=ADDED)
    quality_noise: float = field(default=0.0, metadata=ADDED)
    quality_drift: float = field(default=0.0, metadata=ADDED)
    drift_time: float = field(default=200_000.0, metadata=ADDED)
    provider_turnover: float = field(default=0.0, metadata=ADDED)
    earlier_episodes: int = field(default=0, metadata=ADDED)
    instances: str | None = field(default=None, metadata=ADDED)
    sizes: tuple[int, ...] = field(default=(), metadata=ADDED)
    instances_per_size: int = field(default=64, metadata=ADDED)

    def __post_init__(self) -> None:
        check_integer("providers", self.providers, 1)
        check_integer("instance_seed", self.instance_seed, 0, 2**32 - 1)
        check_integer("tasks", self.tasks, 1)
        check_range("arrival_rate", self.arrival_rate, 0, open_low=True)
        check_integer("smallest_task", self.smallest_task, 10)
        check_integer("largest_task", self.largest_task, self.smallest_task)
        check_integer("task_step", self.task_step, 1)
        if (self.largest_task - self.smallest_task) % self.task_step:
            raise ConfigurationError("task_step", self.task_step, "a divisor of largest_task - smallest_task")
        check_range("quality_baseline", self.quality_baseline)
        check_range("crash_penalty", self.crash_penalty, 0)
        check_range("training_share", self.training_share, 0, 1, open_low=True, open_high=True)
        check_choice("observation", self.observation, get_args(Observation))
        check_range("quality_noise", self.quality_noise, 0)
        check_range("quality_drift", self.quality_drift, 0)
        check_range("drift_time", self.drift_time, 0, open_low=True)
        check_range("provider_turnover", self.provider_turnover, 0, self.tasks)
        check_integer("earlier_episodes", self.earlier_episodes, 0)
        self._check_instances()

    def _check_instances(self) -> None:
        check_integer("instances_per_size", self.instances_per_size, 1)
        for size in self.sizes:
            check_integer("sizes", size, 1)
        if self.instances is None:
            return
        if self.instances != DRAWN:
            raise ConfigurationError("instances", self.instances, DRAWN)
        if self.observation != "entities":
            raise ConfigurationError("observation", self.observation, "entities with instances, whose sizes differ")
        for name in ("providers_file", "workload"):
            if getattr(self, name) is not None:
                raise ConfigurationError(name, getattr(self, name), "None with drawn instances")

    @property
    def certain(self) -> bool:
        """Whether qualities are fixed, exact and paid on assignment, and every task counts."""
        changing = self.quality_noise or self.quality_drift or self.provider_turnover
        return not (changing or self.quality_delay or self.earlier_episodes)
