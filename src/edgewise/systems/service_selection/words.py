"""What is asked of the service, and what it tells: requests and answers with units in their names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from edgewise.environments.service import Words

MOST_PROVIDERS = 2000
"""Most providers of a session: a decision on more takes longer than operators wait."""
LEAST = 1e-6
"""Least of what must be above 0: in single precision much smaller numbers are 0, or make others infinite."""
MOST_STEPS = 1e6
"""Largest task and capacity, denoising steps."""
LONGEST_S = 1e12
"""Latest time, s."""
MOST_POINTS = 16
"""Most points of a prior curve."""

Name = Annotated[str, Field(min_length=1, max_length=128)]
Steps = Annotated[float, Field(ge=LEAST, le=MOST_STEPS)]
Quality = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[float, Field(ge=-LONGEST_S, le=LONGEST_S)]


class PointIn(Words):
    """A point of a quality curve."""

    steps: Steps
    quality: Quality


class ProviderIn(Words):
    """A provider."""

    id: Name
    capacity_steps: Steps = Field(description="denoising steps that may run at the same time")
    prior_curve: Annotated[list[PointIn], Field(max_length=MOST_POINTS)] = Field(
        default_factory=list, description="what is believed of its quality beforehand"
    )
    prior_deviation: Annotated[float, Field(ge=LEAST, le=1)] = Field(
        default=0.05, description="standard deviation of the points of the prior curve"
    )


class SystemIn(Words):
    """What is known of the tasks, as in the configuration; what is left out is as in the policy's training."""

    arrival_rate: Annotated[float, Field(ge=LEAST, le=1e9)] | None = Field(
        default=None, description="mean arrivals, tasks per second, until it is known from those that have come"
    )
    smallest_task: Annotated[int, Field(ge=10, le=int(MOST_STEPS))] | None = Field(
        default=None, description="denoising steps"
    )
    largest_task: Annotated[int, Field(ge=10, le=int(MOST_STEPS))] | None = Field(
        default=None, description="denoising steps"
    )
    task_step: Annotated[int, Field(ge=1, le=int(MOST_STEPS))] | None = Field(
        default=None, description="denoising steps"
    )
    crash_penalty: Annotated[float, Field(ge=0, le=1e6)] | None = None
    quality_noise: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="standard deviation of an observed quality"
    )
    quality_drift: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="standard deviation of a provider's level, which wanders"
    )
    drift_time: Annotated[float, Field(ge=LEAST, le=LONGEST_S)] | None = Field(
        default=None, description="time in which a level forgets where it was, s"
    )


class OpenIn(Words):
    """The providers at the start."""

    providers: Annotated[list[ProviderIn], Field(min_length=1, max_length=MOST_PROVIDERS)]
    system: SystemIn = SystemIn()


class OpenOut(Words):
    """An open session."""

    providers: list[str]
    configuration: dict[str, Any]


class AssignIn(Words):
    """A task that has arrived, or that is asked again because no provider had room for it."""

    task: Name
    steps: Steps = Field(description="denoising steps")
    time_s: Time = Field(description="of a clock that all requests of the session share")


class AssignOut(Words):
    """Where a task goes."""

    task: str
    provider: str | None = Field(description="None if none has room: ask again when a task is done")
    estimated_quality: float | None = None
    quality_deviation: float | None = Field(default=None, description="standard deviation of the estimate")
    charge: float | None = Field(default=None, description="what the room of the task is worth, in quality")
    expected_running_s: float
    tasks_running: int = Field(default=0, description="at the provider, this one among them")
    free_steps: float = Field(default=0.0, description="of the provider, beside this task")


class CompleteIn(Words):
    """A task that is done."""

    task: Name
    quality: Quality = Field(description="as it was observed")
    time_s: Time | None = Field(default=None, description="the time of the request before, if left out")


class CompleteOut(Words):
    """What is known after a task."""

    provider: str
    ran_s: float
    tasks_running: int = Field(description="at the provider")


class FailIn(Words):
    """A task that is lost."""

    task: Name
    crashed: bool = Field(default=False, description="whether its provider has lost all of its tasks")
    time_s: Time | None = Field(default=None, description="the time of the request before, if left out")


class FailOut(Words):
    """What was lost."""

    provider: str
    lost: list[str] = Field(description="tasks that run no more, this one among them")


class ProvidersIn(Words):
    """Providers that come and go. Who goes takes no tasks, finishes what runs, and is forgotten then."""

    add: Annotated[list[ProviderIn], Field(max_length=MOST_PROVIDERS)] = Field(default_factory=list)
    remove: Annotated[list[Name], Field(max_length=MOST_PROVIDERS)] = Field(default_factory=list)


class ProviderOut(Words):
    """A provider as it is now."""

    capacity_steps: float
    used_steps: float
    tasks_running: int
    tasks_done: int
    leaving: bool


class ProvidersOut(Words):
    """All providers."""

    providers: dict[str, ProviderOut]
