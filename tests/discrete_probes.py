"""Probes for learners with finitely many actions. To be tested, a learner adds itself to `LEARNERS`.

Two short runs per learner answer four questions; a learner with a memory gets a third one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.algorithms.dqn import DQNConfig, PrioritisedDQNConfig
from edgewise.algorithms.drqn import DRQNConfig
from edgewise.algorithms.rainbow import RainbowConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.policies.contract import initial_memory, step
from edgewise.training.config import TrainingConfig
from edgewise.training.loops import build_loop
from edgewise.training.off_policy import OffPolicyConfig
from probes import Probe

ACTIONS = 2
DISCOUNT = 0.9
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
        memory: whether it can remember.
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


OFF_POLICY = OffPolicyConfig(
    steps=10_000, environments=16, updates=1, warmup_steps=1_000, evaluations=1, replay_capacity=10_000
)
_Q: dict[str, Any] = {"hidden": (32, 32), "batch_size": 64, "discount": DISCOUNT, "rate": 5e-3, "target_rate": 0.05}
LEARNERS = [
    Learner("dqn", DQNConfig(**_Q), OFF_POLICY, _greedy),
    Learner("prioritised-dqn", PrioritisedDQNConfig(**_Q), OFF_POLICY, _greedy),
    Learner(
        "rainbow",
        RainbowConfig(**_Q | {"hidden": (32,), "batch_size": 32}, stream=32, atoms=15, lowest=-2, highest=12, n_step=1),
        OFF_POLICY,
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


def best(shown: jax.Array) -> jax.Array:
    """The action that is rewarded: 1 for a positive number, else 0."""
    return (shown > 0).astype(int)


def _last_choice(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    return ((step == 1) & (action == best(shown))).astype(float)


TERMINAL = Probe(_last_choice, 2, True, ACTIONS)
"""Two steps; the right action at the second one is worth 1."""
ENDLESS = Probe(lambda step, shown, action: 1.0, 2, False, ACTIONS)
"""A reward of 1 for ever, in episodes cut after two steps."""
MEMORY = Probe(_last_choice, 2, True, ACTIONS, shown_once=True)
"""`TERMINAL`, where the number cannot be seen any more when it counts."""


@cache
def learn(name: str, probe: Probe) -> tuple[Any, Any]:
    """The algorithm and its state after a run."""
    learner = next(learner for learner in LEARNERS if learner.name == name)
    algorithm = find_algorithm(name).build(learner.config, probe.spaces, learner.training.total_updates)
    loop = build_loop(probe, algorithm, learner.training)
    state, _ = eqx.filter_jit(lambda loop, key: loop.chunk(loop.start(key)))(loop, jax.random.key(0))
    return algorithm, state.train_state


def observations(probe: Probe, steps: int) -> jax.Array:
    """What is seen up to a step by episodes that show numbers away from the border of `best`: [steps, 20, 2]."""
    shown = jnp.concatenate([jnp.linspace(-0.9, -0.25, 10), jnp.linspace(0.25, 0.9, 10)])
    return jnp.stack(
        [
            jnp.stack(
                [
                    jnp.full(len(shown), step / probe.steps if probe.terminates else 0.0),
                    jnp.where(step > 0, 0.0, shown) if probe.shown_once else shown,
                ],
                axis=1,
            )
            for step in range(steps)
        ]
    )


def value(learner: Learner, probe: Probe, steps: int) -> np.ndarray:
    """What the learner believes that states are worth after so many observations of an episode."""
    assert learner.values is not None
    return np.asarray(learner.values(*learn(learner.name, probe), observations(probe, steps)))


def share_right(learner: Learner, probe: Probe) -> float:
    """Share of episodes in which the deployed policy takes the rewarded action at the second step."""
    algorithm, train_state = learn(learner.name, probe)
    policy = algorithm.policy(train_state)
    seen = observations(probe, 2)
    memory = initial_memory(policy, seen.shape[1:-1])
    for observation in seen:
        action, memory = step(policy, observation, memory, None)
    return float((action == best(observations(probe, 1)[0, :, 1])).mean())
