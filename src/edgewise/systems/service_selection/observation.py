"""What a policy sees and decides, number by number, and what reads its decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from edgewise.environments.fields import Field
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.sampling import running_time

STEP = "denoising step"


def fields(environment: Any) -> tuple[Field, ...]:
    """The parts of `ServiceSelection.observe`, in their order; a space of entities describes itself."""
    if not isinstance(environment, ServiceSelection):
        return ()
    largest = float(environment.config.largest_task)
    longest = float(running_time(jnp.asarray(largest)))
    capacity = np.asarray(environment.providers.capacity, float)
    each = tuple(capacity.tolist())
    providers = (len(each),)
    seen = (
        Field("task", STEP, 0.0, 1.0, scale=largest, meaning="size T of the task that waits"),
        Field("running_time", "s", 0.0, 1.0, scale=longest, meaning="that the task will take at any provider"),
        Field(
            "capacity", STEP, 0.0, 1.0, providers, float(capacity.max()), meaning="that may run at a provider at once"
        ),
        Field("free", STEP, 0.0, 1.0, providers, each, meaning="that a provider can still take"),
    )
    if not environment.config.show_mask:
        return seen
    return (*seen, Field("fits", "1", 0.0, 1.0, providers, meaning="1 where the task has room, else 0"))


def read_action(action: Any, observation: Any) -> dict[str, Any]:
    """The index of the provider that serves the task."""
    return {"provider": action["provider"][..., 0] if isinstance(action, Mapping) else action}
