"""An environment around another one."""

from __future__ import annotations

from typing import Any

from jaxtyping import PRNGKeyArray

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Space
from edgewise.numerics.rescaling import Rescaling
from edgewise.numerics.scaling import AnyScaling


class Wrapper(Environment[Any]):
    """Is what the environment inside is; a subclass changes what it is there for.

    Attributes:
        environment: inside.
    """

    environment: Environment[Any]

    @property
    def observation_space(self) -> Space:
        return self.environment.observation_space

    @property
    def action_space(self) -> Space:
        return self.environment.action_space

    @property
    def action_mask(self) -> bool:
        return self.environment.action_mask

    @property
    def horizon(self) -> int:
        return self.environment.horizon

    @property
    def scaling(self) -> AnyScaling | None:
        return self.environment.scaling

    @property
    def rescaling(self) -> Rescaling | None:
        return self.environment.rescaling

    @property
    def privileged_space(self) -> Space | None:
        return self.environment.privileged_space

    def privileged(self, state: Any) -> Any:
        return self.environment.privileged(state)

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        return self.environment.reset(key)

    def step(self, key: PRNGKeyArray, state: Any, action: Any) -> tuple[Any, TimeStep]:
        return self.environment.step(key, state, action)
