"""The policies of all agents of a game together, those of one kind side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.policies.protocol import initial_memory, step
from edgewise.policies.uniform import UniformPolicy


class JointPolicy(eqx.Module):
    """One policy for each agent. No agent's policy takes anything from another's.

    Attributes:
        agents: ids, by kind.
        policies: the policies of each kind; arrays have a leading axis of its agents.
    """

    agents: tuple[tuple[str, ...], ...] = eqx.field(static=True)
    policies: tuple[Any, ...]

    @staticmethod
    def join(policies: Mapping[str, Any], kinds: Sequence[Sequence[str]]) -> JointPolicy:
        """Put the policies of single agents together.

        Args:
            policies: by agent.
            kinds: agents whose policies have the same shapes.
        """
        stacked = (jax.tree.map(lambda *leaves: jnp.stack(leaves), *(policies[a] for a in kind)) for kind in kinds)
        return JointPolicy(tuple(tuple(kind) for kind in kinds), tuple(stacked))

    def split(self) -> dict[str, Any]:
        """The policy of each agent."""
        return {
            agent: jax.tree.map(lambda leaf, index=index: leaf[index], policy)
            for kind, policy in zip(self.agents, self.policies, strict=True)
            for index, agent in enumerate(kind)
        }

    def initial_memory(self) -> tuple[Any, ...]:
        """Everyone's memory at the start of an episode."""
        return tuple(
            initial_memory(policy, (len(kind),)) for kind, policy in zip(self.agents, self.policies, strict=True)
        )

    def move(
        self,
        movers: Sequence[str],
        observations: Mapping[str, Any],
        memory: tuple[Any, ...],
        key: PRNGKeyArray,
        stochastic: bool,
    ) -> tuple[dict[str, Array], tuple[Any, ...]]:
        """Actions of the kinds that move, and everyone's memory to go on with.

        Args:
            movers: ids of all agents that move.
            observations: the observations of every agent.
            memory: the memory of every agent.
            key: randomness of sampled actions.
            stochastic: sample actions, instead of taking the most probable; agents that act at random sample in any case.
        """
        actions: dict[str, Array] = {}
        after = list(memory)
        for place, (kind, policy) in enumerate(zip(self.agents, self.policies, strict=True)):
            if not set(kind) <= set(movers):
                continue
            samples = stochastic or isinstance(policy, UniformPolicy)
            keys = jax.random.split(jax.random.fold_in(key, place), len(kind))
            seen = jax.tree.map(lambda *each: jnp.stack(each), *(observations[agent] for agent in kind))
            chosen, after[place] = eqx.filter_vmap(_act)(policy, seen, memory[place], keys if samples else None)
            actions |= {agent: chosen[index] for index, agent in enumerate(kind)}
        return actions, tuple(after)


def _act(policy: Any, observation: Any, memory: Any, key: PRNGKeyArray | None) -> tuple[Array, Any]:
    return step(policy, observation, memory, key)
