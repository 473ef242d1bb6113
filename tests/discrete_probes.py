"""A probe for learners with finitely many actions. To be tested, a learner adds itself to `LEARNERS`.

One short run per learner answers all questions: compiling it is what takes the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.algorithms.d2sac import D2SACConfig
from edgewise.algorithms.discrete_sac import DiscreteSACConfig
from edgewise.algorithms.dqn import DQNConfig, PrioritisedDQNConfig
from edgewise.algorithms.drqn import DRQNConfig
from edgewise.algorithms.rainbow import RainbowConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Discrete
from edgewise.policies.protocol import initial_memory, step
from edgewise.training.choose_loop import build_loop
from edgewise.training.config import TrainingConfig
from edgewise.training.off_policy import OffPolicyConfig
from first_chunk import learned

DISCOUNT = 0.9
PENSION = 0.1
Values = Callable[[Any, Any, jax.Array], jax.Array]
"""`values(algorithm, train_state, observations)`: of the last of an episode's first observations, [t, b, o] to [b]."""


@dataclass(frozen=True)
class Learner:
    """A learner in the registry, small and quick.

    Attributes:
        name: in the registry.
        config: of the algorithm, with the discount of this module.
        training: of the run.
        values: what the learner believes of states; none if it has no values.
        memory: whether it can remember, and is asked to.
    """

    name: str
    config: Any
    training: TrainingConfig
    values: Values | None
    memory: bool = False


def _greedy(algorithm: Any, train_state: Any, observations: jax.Array) -> jax.Array:
    return train_state.network.values(observations[-1]).max(-1)


def _mean(algorithm: Any, train_state: Any, observations: jax.Array) -> jax.Array:
    return train_state.network.values(observations[-1], None).max(-1)


def _recurrent(algorithm: Any, train_state: Any, observations: jax.Array) -> jax.Array:
    memory = train_state.network.initial_memory(observations.shape[1:-1])
    for observation in observations:
        values, memory = train_state.network.values(observation, memory)
    return values.max(-1)


def _twin(algorithm: Any, train_state: Any, observations: jax.Array) -> jax.Array:
    return train_state.critic(observations[-1]).mean(0).max(-1)


OFF_POLICY = OffPolicyConfig(
    steps=10_000, environments=16, updates=3, warmup_steps=1_000, evaluations=1, replay_capacity=10_000
)
_Q: dict[str, Any] = {"hidden": (32, 32), "batch_size": 64, "discount": DISCOUNT, "rate": 5e-3, "target_rate": 0.05}
_ACTOR: dict[str, Any] = {
    "hidden": (32, 32), "batch_size": 64, "discount": DISCOUNT, "n_step": 1, "actor_rate": 3e-3, "critic_rate": 5e-3,
    "target_rate": 0.05, "temperature": 0.02, "soft_target": False,
}  # fmt: skip
LEARNERS = [
    Learner("discrete-sac", DiscreteSACConfig(**_ACTOR), OFF_POLICY, _twin),
    Learner("d2sac", D2SACConfig(**_ACTOR, denoising_steps=3, time_embedding=8), OFF_POLICY, _twin),
    Learner("dqn", DQNConfig(**_Q), OFF_POLICY, _greedy),
    Learner("prioritised-dqn", PrioritisedDQNConfig(**_Q), OFF_POLICY, _greedy),
    Learner(
        "rainbow",
        RainbowConfig(**_Q | {"hidden": (32,), "batch_size": 32}, stream=32, atoms=15, lowest=-1, highest=2, n_step=1),
        replace(OFF_POLICY, updates=1),
        _mean,
    ),
    Learner(
        "drqn",
        DRQNConfig(**_Q | {"hidden": (32,), "batch_size": 16}, memory=16, sequence_length=6, burn_in=2),
        OFF_POLICY,
        _recurrent,
        memory=True,
    ),
]


class ProbeState(eqx.Module):
    """Steps done, the number of the episode, and whether the episode is an endless one."""

    step: Int[Array, ""]
    number: Float[Array, ""]
    endless: Bool[Array, ""]


class DiscreteProbe(Environment[ProbeState]):
    """Two kinds of episode whose values are known; a policy sees (endless, time, number).

    One shows time; at the second step the action that the number's sign names is worth 1; then the episode terminates. The
    other, endless kind shows no time, is worth `PENSION` each step whatever is done, and is cut at any step by chance, so
    that what comes after a cut is known from episodes that went on.

    Attributes:
        shown_once: the number is shown at the first step only, and 0 at the second, so that it must be remembered.
    """

    shown_once: bool = eqx.field(static=True)

    @property
    def observation_space(self) -> Box:
        return Box(np.full(3, -1, np.float32), np.full(3, 1, np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def horizon(self) -> int:
        return 100  # by then an episode is over

    def reset(self, key: PRNGKeyArray) -> tuple[ProbeState, Float[Array, " o"]]:
        number_key, kind_key = jax.random.split(key)
        number = jax.random.uniform(number_key, minval=-1, maxval=1)
        state = ProbeState(jnp.zeros((), int), number, jax.random.bernoulli(kind_key))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: ProbeState, action: Array) -> tuple[ProbeState, TimeStep]:
        after = ProbeState(state.step + 1, state.number, state.endless)
        right = (state.step == 1) & (action == best(state.number))
        cut = state.endless & jax.random.bernoulli(key, 0.4)
        return after, TimeStep(
            observation=self.observe(after),
            reward=jnp.where(state.endless, PENSION, right.astype(float)),
            terminated=(after.step >= 2) & ~state.endless,
            truncated=cut,
            info={"right": right.astype(float)},
        )

    def observe(self, state: ProbeState) -> Float[Array, " o"]:
        time = jnp.where(state.endless, 0.0, state.step / 2)
        number = jnp.where(state.step > 0, 0.0, state.number) if self.shown_once else state.number
        return jnp.stack([state.endless.astype(float), time, number])


def best(number: Float[Array, "*batch"]) -> Int[Array, "*batch"]:
    """The action that is rewarded."""
    return (number > 0).astype(int)


@cache
def learn(name: str) -> tuple[Any, Any]:
    """The algorithm and its state after a run."""
    learner = next(learner for learner in LEARNERS if learner.name == name)
    probe = DiscreteProbe(learner.memory)
    algorithm = find_algorithm(name).build(learner.config, probe.spaces, learner.training.total_updates)
    loop = build_loop(probe, algorithm, learner.training)
    state, _ = learned(loop, jax.random.key(0))
    return algorithm, state.train_state


def observations(learner: Learner, steps: int, endless: bool = False) -> Float[Array, "t 20 o"]:
    """What is seen up to a step of episodes whose numbers keep away from the border of `best`."""
    numbers = jnp.concatenate([jnp.linspace(-0.9, -0.25, 10), jnp.linspace(0.25, 0.9, 10)])
    states = [ProbeState(jnp.full(20, step), numbers, jnp.full(20, endless)) for step in range(steps)]
    return jnp.stack([jax.vmap(DiscreteProbe(learner.memory).observe)(state) for state in states])


def value(learner: Learner, steps: int, endless: bool = False) -> np.ndarray:
    """What the learner believes that states are worth after so many observations of an episode."""
    assert learner.values is not None
    return np.asarray(learner.values(*learn(learner.name), observations(learner, steps, endless)))


def share_right(learner: Learner) -> float:
    """Share of episodes in which the deployed policy takes the rewarded action at the second step."""
    algorithm, train_state = learn(learner.name)
    policy = algorithm.policy(train_state)
    memory = initial_memory(policy, (20,))
    for observation in observations(learner, 2):
        action, memory = step(policy, observation, memory, None)
    return float((action == best(observations(learner, 1)[0, :, 2])).mean())
