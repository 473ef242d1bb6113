"""Games as PettingZoo parallel environments.

A parallel environment asks every agent for an action in every step. A slot with several stages, such as leaders that announce
prices before followers buy, takes one step for each stage: in it only its agents' actions count, which `info[agent]["moves"]`
of the step before tells, and rewards come with the last one.

Agents may come and go between slots (`Game.present`): `agents` holds those that are there, and an agent that leaves terminates.
Where an agent's observation has the field "action_mask", the flags of its choices, `info[agent]["action_mask"]` holds them too.
`state()` is what `Game.privileged` shows, as one array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import gymnasium
import jax
import numpy as np
from gymnasium.spaces import flatten, flatten_space
from gymnasium.utils import seeding
from jaxtyping import PRNGKeyArray
from pettingzoo import ParallelEnv

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.adapters.fork import require_unforked
from edgewise.environments.adapters.frames import Frames
from edgewise.environments.adapters.making import check_render_mode, make_checked
from edgewise.environments.adapters.spaces import to_array, to_gymnasium, to_numpy
from edgewise.environments.game import Game, GameStep
from edgewise.environments.spaces import padding
from edgewise.environments.system import System
from edgewise.numerics.masks import ACTION_MASK


def parallel_env(system: str, render_mode: str | None = None, **overrides: Any) -> PettingZooEnvironment:
    """A system of the registry for PettingZoo.

    Args:
        system: name in the registry of a game, or of a system that offers one.
        render_mode: one of PettingZoo's; "rgb_array" draws what the system has scenes for.
        overrides: fields of the system's configuration.

    Raises:
        UnexpectedKeyword: a TypeError, for an unknown field.
        ConfigurationError: for an unknown name, a system without a game, or a value that is not allowed.
    """
    require_unforked()
    made = make_checked(system, render_mode, overrides, registry.make_game)
    return PettingZooEnvironment(made, system, render_mode, registry.find(system))


class PettingZooEnvironment(ParallelEnv[str, Any, Any]):  # type: ignore[misc]
    """One copy of a game.

    Args:
        environment: to adapt.
        name: shown by PettingZoo.
        render_mode: one of PettingZoo's; "rgb_array" draws what the system has scenes for.
        system: whose scenes are drawn. If None, nothing is.

    Raises:
        ConfigurationError: for a render mode that PettingZoo does not know.
    """

    def __init__(
        self, environment: Game[Any], name: str, render_mode: str | None = None, system: System | None = None
    ) -> None:
        check_render_mode(render_mode)
        self.environment = environment
        self.render_mode = render_mode
        self._frames = Frames(system, environment, render_mode)
        self.metadata = {**self._frames.metadata, "name": name, "is_parallelizable": True}
        self.possible_agents = list(environment.agents)
        self.agents: list[str] = []
        self.observation_spaces = {a: to_gymnasium(s) for a, s in environment.observation_spaces.items()}
        self.action_spaces = {a: to_gymnasium(s) for a, s in environment.action_spaces.items()}
        self._whole = to_gymnasium(environment.privileged_space)
        self.state_space = flatten_space(self._whole)
        self._random: np.random.Generator | None = None
        self._key: PRNGKeyArray | None = None
        self._state: Any = None
        self._stage = 0
        self._slot: tuple[Any, dict[str, Any]] = None, {}

    def observation_space(self, agent: str) -> gymnasium.spaces.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Space[Any]:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Start an episode.

        Args:
            seed: makes this and the following episodes repeatable; if None, they go on from the last.
            options: not used.

        Returns:
            Observations and information of every agent.
        """
        require_unforked()
        if seed is not None or self._random is None:
            self._random = seeding.np_random(seed)[0]
        self._key, key = jax.random.split(jax.random.key(self._random.integers(2**32, dtype=np.uint32)))
        self._state, observations = _reset(self.environment, key)
        self._stage = 0
        self._frames.begin(self._state)
        self.agents = self._present()
        return self._told(observations, self.agents)

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Let the agents of this stage move.

        Args:
            actions: actions of the agents whose turn it is; others' are not looked at. Components outside of a box count as its
                nearest bound.

        Returns:
            Observations, rewards, terminations, truncations and information of every agent that was there, and of those that
            are from now on.

        Raises:
            gymnasium.error.ResetNeeded: before the first reset and after the end of an episode.
            ConfigurationError: for a missing action, one of another shape, or one that is not finite.
        """
        if not self.agents or self._key is None:
            raise gymnasium.error.ResetNeeded("reset the environment before its first step and after an episode")
        require_unforked()
        moving = self.environment.stages[self._stage]
        for agent in moving:
            if agent in self.agents and agent not in actions:
                raise ConfigurationError("actions", sorted(actions), f"complete: that of {agent} is missing")
        spaces = self.environment.action_spaces
        chosen = {
            a: to_array(spaces[a], actions[a], f"actions[{a!r}]") if a in self.agents else padding(spaces[a])
            for a in moving
        }
        self._slot = (self._state, chosen) if self._stage == 0 else (self._slot[0], self._slot[1] | chosen)
        self._key, key = jax.random.split(self._key)
        self._state, step = _move(self.environment, key, self._state, self._stage, chosen)
        step = jax.device_get(step)
        if self._stage == len(self.environment.stages) - 1:
            self._frames.step(*self._slot, sum(step.rewards.values()), step.info)
        self._stage = (self._stage + 1) % len(self.environment.stages)
        present = self._present() if self._stage == 0 else self.agents
        everyone = [agent for agent in self.possible_agents if agent in present or agent in self.agents]
        observations, infos = self._told(step.observations, everyone)
        self.agents = [] if step.terminated or step.truncated else present
        return (
            observations,
            {agent: float(step.rewards[agent]) for agent in everyone},
            {agent: bool(step.terminated) or agent not in present for agent in everyone},
            dict.fromkeys(everyone, bool(step.truncated)),
            infos,
        )

    def state(self) -> np.ndarray:
        """What a critic of all agents may see, as one array of `state_space`.

        Raises:
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if self._key is None:
            raise gymnasium.error.ResetNeeded("reset the environment before asking for its state")
        whole = jax.device_get(_privileged(self.environment, self._state))
        return np.asarray(flatten(self._whole, to_numpy(self._whole, whole)))

    def render(self) -> np.ndarray | None:
        """The pixels of the slot that was carried out last, RGB; nothing, with a warning, without a render mode.

        Raises:
            NothingToShow: a NotImplementedError, if what was asked for cannot be drawn.
        """
        return self._frames.draw()

    def _told(
        self, observations: Mapping[str, Any], agents: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """What agents see, and the information beside it."""
        moving = self.environment.stages[self._stage]
        seen = {agent: to_numpy(self.observation_spaces[agent], observations[agent]) for agent in agents}
        masks = {a: {ACTION_MASK: s[ACTION_MASK]} for a, s in seen.items() if isinstance(s, dict) and ACTION_MASK in s}
        return seen, {agent: {"moves": agent in moving, **masks.get(agent, {})} for agent in agents}

    def _present(self) -> list[str]:
        there = jax.device_get(_there(self.environment, self._state))
        return [agent for agent in self.possible_agents if there.get(agent, True)]


@eqx.filter_jit
def _reset(environment: Game[Any], key: PRNGKeyArray) -> tuple[Any, dict[str, Any]]:
    return environment.reset(key)


@eqx.filter_jit
def _move(
    environment: Game[Any], key: PRNGKeyArray, state: Any, stage: int, actions: dict[str, Any]
) -> tuple[Any, GameStep]:
    return environment.move(key, state, stage, actions)


@eqx.filter_jit
def _there(environment: Game[Any], state: Any) -> dict[str, Any]:
    return environment.present(state)


@eqx.filter_jit
def _privileged(environment: Game[Any], state: Any) -> Any:
    return environment.privileged(state)
