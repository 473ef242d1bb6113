"""Configuration of the service-selection system."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.common.errors import ConfigurationError, check_integer, check_range


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
