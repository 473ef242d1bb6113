"""Systems whose observations are vectors, as policies for any number of entities see them; and their reference policies there."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import PRNGKeyArray

from edgewise.environments import episode
from edgewise.environments.environment import Action, Environment, Observation, State
from edgewise.environments.system import Reference


class EntityView(Environment[State]):
    """The same system with observations and actions by entity. Its state has that of the system as `system`.

    Attributes:
        system: whose decisions they are.
    """

    system: eqx.AbstractVar[Any]

    @abc.abstractmethod
    def translated(self, state: Any, action: Any) -> Action:
        """An action of the system, in a state of the system, as one of this view."""


class ViewReference(eqx.Module):
    """A reference policy of the system, with actions of the view.

    Attributes:
        environment: the view.
        policy: with states, observations and actions of the system.
    """

    environment: EntityView[Any]
    policy: Any

    def begin(self, state: Any) -> Any:
        """What the policy remembers at the start of an episode."""
        return episode.begin(self.policy, state.system)

    def step(self, key: PRNGKeyArray, state: Any, observation: Observation, memory: Any) -> tuple[Action, Any]:
        """The action, and the memory to go on with."""
        seen = self.environment.system.observe(state.system)
        action, memory = episode.act(self.policy, key, state.system, seen, memory)
        return self.environment.translated(state.system, action), memory


def in_system(environment: Any, build: Callable[[Any], Reference]) -> Reference:
    """A reference policy of a system, in the system or in a view of it.

    Args:
        environment: the system or the view.
        build: from the system to the policy.
    """
    if isinstance(environment, EntityView):
        return ViewReference(environment, build(environment.system))
    return build(environment)
