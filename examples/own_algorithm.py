"""A learner of your own in 60 lines: found by name, trained, saved and evaluated like ours.

Soft Q-learning (Haarnoja et al., 2017) for a finite set of actions: values of a state are tau log sum exp(Q / tau), and
exploration draws actions from the softmax of Q / tau.

    python examples/own_algorithm.py train cartpole --algorithm soft-q --updates 4 --steps 16000 --name first
    python examples/own_algorithm.py compare runs/cartpole/soft-q/first runs/cartpole/dqn/OTHER
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_choices
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.algorithms.registry import AlgorithmEntry, register_algorithm
from edgewise.cli.main import main
from edgewise.common.errors import check_integer, check_range
from edgewise.networks.mlp import soft_update
from edgewise.policies.greedy import GreedyPolicy


# -- 60 lines from here
@dataclass(frozen=True)
class SoftQConfig:
    """Configuration of soft Q-learning."""

    hidden: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers."""
    temperature: float = 1.0
    """Tau: how much less than the best an action may be worth and still be tried, in units of reward."""
    rate: float = 1e-3
    """Learning rate at the start; it falls along a cosine to 5%."""
    batch_size: int = 128
    """Transitions per update."""
    discount: float = 0.97
    """Gamma."""
    target_rate: float = 0.01
    """Share of the newest weights in the slow copy per update."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, open_low=True)
        check_range("rate", self.rate, 0, open_low=True)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)


class SoftQState(eqx.Module):
    """Networks and optimiser."""

    network: GreedyPolicy
    slow: GreedyPolicy
    optimiser: optax.OptState


class SoftQ(OffPolicyAlgorithm[SoftQConfig, SoftQState]):
    """Soft Q-learning: its losses and its update; loops, replay, checkpoints and run folders are the library's."""

    def __check_init__(self) -> None:
        require_choices(self.spaces)

    def init(self, key: PRNGKeyArray) -> SoftQState:
        network = GreedyPolicy.create(self.observation_size, self.actions, self.config.hidden, key)
        return SoftQState(network, network, begin(self.adam, network))

    def policy(self, train_state: SoftQState) -> GreedyPolicy:
        return train_state.network

    def act(
        self, train_state: SoftQState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Int[Array, "*batch"]:
        values = train_state.network.values(observation)
        return jax.random.categorical(key, values / self.config.temperature) if explore else jnp.argmax(values, -1)

    def update(self, train_state: SoftQState, batch: Transition, key: PRNGKeyArray) -> tuple[SoftQState, Metrics]:
        c = self.config
        soft = c.temperature * jax.nn.logsumexp(
            train_state.slow.values(batch.next_observation) / c.temperature, axis=-1
        )
        target = batch.reward + batch.discount * soft
        loss, gradient = jax.value_and_grad(squared_error)(train_state.network, batch, target)
        network, optimiser = descend(self.adam, train_state.network, gradient, train_state.optimiser)
        return SoftQState(network, soft_update(train_state.slow, network, c.target_rate), optimiser), {"loss": loss}

    @property
    def adam(self) -> optax.GradientTransformation:
        return falling_adam(self.config.rate, 0.05, self.updates)


def squared_error(network: GreedyPolicy, batch: Transition, target: Float[Array, " b"]) -> Float[Array, ""]:
    """Mean squared error of the values of the taken actions."""
    value = jnp.take_along_axis(network.values(batch.observation), batch.action[:, None], axis=-1)[:, 0]
    return jnp.mean((value - target) ** 2)


register_algorithm(
    AlgorithmEntry("soft-q", "soft Q-learning with Boltzmann exploration", SoftQConfig, SoftQ, ("discrete",))
)
# -- to here

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
