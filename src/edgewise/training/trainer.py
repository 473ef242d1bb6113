"""What a run asks of whoever trains its learners: a compiled program, or one that steps environments outside of it."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.environments.environment import Environment
from edgewise.environments.game import Game
from edgewise.environments.instances import RELATIVE, DrawnInstances, InstanceGroups
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.evaluation import evaluate
from edgewise.training.loop import Loop

Health = dict[str, Bool[Array, " n"]]
"""For every learning metric and for the parameters: whether each seed's numbers are all finite."""


class Trainer(abc.ABC):
    """Trains one learner per seed and evaluates it; the leaves of every state and policy have a leading axis of seeds."""

    @abc.abstractmethod
    def start(self, keys: Array) -> Any:
        """Fresh learners, one for each key; the state has the field `train_state`."""

    @abc.abstractmethod
    def go_on(self, state: Any) -> Any:
        """The state to go on from, of one that a checkpoint held."""

    @abc.abstractmethod
    def advance(self, state: Any, iterations: int) -> tuple[Any, dict[str, Array], Health]:
        """Collect and learn for `iterations` iterations; metrics are means over them."""

    @abc.abstractmethod
    def policies(self, state: Any) -> Any:
        """What is deployed."""

    @property
    @abc.abstractmethod
    def learner(self) -> Any:
        """The algorithm."""

    @abc.abstractmethod
    def blank_policy(self) -> Any:
        """The policy of a fresh learner of one seed, shapes alone."""

    @abc.abstractmethod
    def evaluate(self, policies: Any, seed: int, episodes: int) -> dict[str, Float[Array, "n e"]]:
        """Play the same episodes with every policy: their metrics, see `edgewise.training.evaluation.evaluate`."""

    @abc.abstractmethod
    def score(self, number: int, result: dict[str, Float[Array, "n e"]]) -> Float[Array, " n"]:
        """The scores by which the best policies are chosen, from the evaluation of that number."""

    @property
    @abc.abstractmethod
    def judged_in(self) -> Any:
        """The environment in which policies are evaluated: its observations are those that a deployed policy takes."""

    @abc.abstractmethod
    def close(self) -> None:
        """Release what environments hold."""


class CompiledTrainer(Trainer):
    """Learning, environments and evaluation in compiled programs, all seeds side by side.

    Args:
        loop: the loop of one seed.
        environment: in which policies are evaluated.
    """

    def __init__(self, loop: Loop, environment: Environment[Any] | Game[Any] | InstanceGroups) -> None:
        self._loop = loop
        self._environment = environment

    def start(self, keys: Array) -> Any:
        return _start(self._loop, keys)

    def go_on(self, state: Any) -> Any:
        """Environments are part of the state: nothing is to be done."""
        return state

    def advance(self, state: Any, iterations: int) -> tuple[Any, dict[str, Array], Health]:
        return _advance(self._loop, state, jnp.asarray(iterations))

    def policies(self, state: Any) -> Any:
        return eqx.filter_vmap(self._loop.policy)(state.train_state)

    @property
    def learner(self) -> Any:
        return self._loop.algorithm

    def blank_policy(self) -> Any:
        return eqx.filter_eval_shape(lambda key: self._loop.policy(self.learner.init(key)), jax.random.key(0))

    def evaluate(self, policies: Any, seed: int, episodes: int) -> dict[str, Float[Array, "n e"]]:
        return evaluate_seeds(self._environment, policies, jax.random.key(seed), episodes)

    def score(self, number: int, result: dict[str, Float[Array, "n e"]]) -> Float[Array, " n"]:
        """The mean return; in a game no sum of rewards shows who plays best: the newest policies count.

        In many instances it is the mean of what is measured over its nominal value, so that large instances do not rule.
        """
        if RELATIVE in result and isinstance(self._environment, DrawnInstances | InstanceGroups):
            return -result[RELATIVE].mean(1)
        returns = result["return"].mean(1)
        return jnp.full_like(returns, number) if isinstance(self._environment, Game) else returns

    @property
    def judged_in(self) -> Any:
        return self._environment

    def close(self) -> None:
        """Compiled environments hold nothing."""


@eqx.filter_jit
def _start(loop: Loop, keys: Array) -> Any:
    return eqx.filter_vmap(loop.start)(keys)


@eqx.filter_jit(donate="all-except-first")
def _advance(loop: Loop, state: Any, iterations: Int[Array, ""]) -> tuple[Any, dict[str, Array], Health]:
    state, metrics = eqx.filter_vmap(loop.chunk, in_axes=(0, None))(state, iterations)
    return state, metrics, health(metrics, state.train_state)


def health(metrics: dict[str, Float[Array, " n"]], train_state: Any) -> Health:
    """Whether metrics and parameters are finite, per seed."""

    def finite(tree: Any) -> Array:
        leaves = [
            jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)
        ]
        return jnp.stack(leaves).all()

    healthy = {name: jnp.isfinite(value) for name, value in metrics.items()}
    healthy["parameters"] = eqx.filter_vmap(finite)(train_state)
    return healthy


@eqx.filter_jit
def evaluate_seeds(
    environment: Environment[Any] | Game[Any] | InstanceGroups,
    policies: Any,
    key: Array,
    episodes: int,
    stochastic: bool = False,
) -> dict[str, Float[Array, "n e"]]:
    """Evaluate one policy per seed on the same episodes.

    Args:
        environment: what to play.
        policies: with a leading axis of seeds.
        key: randomness of the episodes.
        episodes: number of episodes.
        stochastic: sample actions instead of acting deterministically.
    """
    return eqx.filter_vmap(lambda policy: evaluate(environment, LearnedPolicy(policy, stochastic), key, episodes))(
        policies
    )
