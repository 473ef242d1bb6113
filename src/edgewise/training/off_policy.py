"""The off-policy loop: vectorised environments, replay and updates, scanned inside one compiled chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import flashbax
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition
from edgewise.environments.base import Environment, step_autoreset
from edgewise.numerics.checks import ConfigurationError, check_integer, check_range


@dataclass(frozen=True)
class OffPolicyConfig:
    """How much experience is collected, how it is replayed, and how often progress is judged.

    Attributes:
        steps: environment steps per seed, warm-up included, over all copies together.
        environments: copies of the environment stepped side by side.
        updates: updates after each step of all copies; the update-to-data ratio is updates / environments.
        warmup_steps: steps with uniformly random actions before the first update.
        replay_capacity: transitions kept (CGDM paper, Table II: 1e6; about 0.9 kB each in the default system).
        evaluations: number of evaluations, evenly spread over the run.
        evaluation_episodes: episodes of an evaluation.
        checkpoint_every: evaluations between two checkpoints.
        seeds: independent learners, trained side by side.
        seed: training randomness; learner i uses the i-th key derived from it.
        evaluation_seed: randomness of the evaluations that pick the best policy.
        test_seed: randomness of the final test.
    """

    steps: int = 1_000_000
    environments: int = 64
    updates: int = 2
    warmup_steps: int = 5_000
    replay_capacity: int = 250_000
    evaluations: int = 20
    evaluation_episodes: int = 50
    checkpoint_every: int = 4
    seeds: int = 1
    seed: int = 0
    evaluation_seed: int = 1
    test_seed: int = 2

    def __post_init__(self) -> None:
        for name in ("environments", "updates", "evaluations", "evaluation_episodes", "checkpoint_every", "seeds"):
            check_integer(name, getattr(self, name), 1)
        for name in ("seed", "evaluation_seed", "test_seed"):
            check_integer(name, getattr(self, name), 0, 2**32 - 1)
        check_integer("warmup_steps", self.warmup_steps, 0)
        check_range("replay_capacity", self.replay_capacity, self.environments)
        check_integer("steps", self.steps, 1)
        if self.chunk_iterations < 1:
            raise ConfigurationError(
                "steps",
                self.steps,
                f"at least warmup_steps + evaluations * environments = "
                f"{self.warmup_steps + self.evaluations * self.environments}",
            )
        if len({self.seed, self.evaluation_seed, self.test_seed}) < 3:
            raise ConfigurationError(
                "test_seed", self.test_seed, "different from seed and evaluation_seed, and they too"
            )

    @property
    def warmup_iterations(self) -> int:
        """Warm-up steps of each copy."""
        return -(-self.warmup_steps // self.environments)

    @property
    def chunk_iterations(self) -> int:
        """Steps of each copy between two evaluations."""
        return (self.steps - self.warmup_iterations * self.environments) // (self.evaluations * self.environments)

    @property
    def total_updates(self) -> int:
        """Updates of the whole run."""
        return self.evaluations * self.chunk_iterations * self.updates

    def steps_done(self, chunks: int) -> int:
        """Environment steps of a seed after so many chunks."""
        return (self.warmup_iterations + chunks * self.chunk_iterations) * self.environments


class LoopState(eqx.Module):
    """Everything that a run needs to go on, for one seed (or with a leading axis of seeds)."""

    train_state: Any
    replay: Any
    environment_state: Any
    observation: Any
    key: PRNGKeyArray


class OffPolicyLoop(eqx.Module):
    """Pure pieces of an off-policy run for one seed; see `compile_loop` for several.

    Attributes:
        environment: what to learn in.
        algorithm: the learner.
        config: sizes and budgets.
    """

    environment: Environment[Any]
    algorithm: OffPolicyAlgorithm[Any]
    config: OffPolicyConfig = eqx.field(static=True)

    @property
    def _replay(self) -> Any:
        c = self.config
        return flashbax.make_item_buffer(
            max_length=min(c.replay_capacity, -(-c.steps // c.environments) * c.environments),
            min_length=1,
            sample_batch_size=self.algorithm.batch_size,
            add_batches=True,
        )

    def start(self, key: PRNGKeyArray) -> LoopState:
        """Fresh learner, environments and replay, the latter filled by the warm-up."""
        learner_key, reset_key, warmup_key, key = jax.random.split(key, 4)
        state, observation = jax.vmap(self.environment.reset)(jax.random.split(reset_key, self.config.environments))
        first = jax.tree.map(lambda x: x[0], observation)
        space = self.environment.action_space
        example = Transition(first, space.sample(reset_key), jnp.zeros(()), jnp.zeros(()), first)
        loop = LoopState(self.algorithm.init(learner_key), self._replay.init(example), state, observation, key)

        def explore(loop: LoopState, key: PRNGKeyArray) -> tuple[LoopState, None]:
            action_key, step_key = jax.random.split(key)
            action = jax.vmap(space.sample)(jax.random.split(action_key, self.config.environments))
            return self._collect(loop, action, step_key), None

        loop, _ = jax.lax.scan(explore, loop, jax.random.split(warmup_key, self.config.warmup_iterations))
        return loop

    def chunk(self, loop: LoopState) -> tuple[LoopState, dict[str, Array]]:
        """Collect and learn until the next evaluation; metrics are means over the chunk's updates."""

        def iterate(loop: LoopState, _: None) -> tuple[LoopState, dict[str, Array]]:
            key, action_key, step_key, learn_key = jax.random.split(loop.key, 4)
            action = self.algorithm.act(loop.train_state, loop.observation, action_key, explore=True)
            loop = self._collect(loop, action, step_key)

            def learn(train_state: Any, key: PRNGKeyArray) -> tuple[Any, dict[str, Array]]:
                sample_key, update_key = jax.random.split(key)
                batch = self._replay.sample(loop.replay, sample_key).experience
                return self.algorithm.update(train_state, batch, update_key)

            train_state, metrics = jax.lax.scan(
                learn, loop.train_state, jax.random.split(learn_key, self.config.updates)
            )
            loop = LoopState(train_state, loop.replay, loop.environment_state, loop.observation, key)
            return loop, jax.tree.map(jnp.mean, metrics)

        loop, metrics = jax.lax.scan(iterate, loop, None, length=self.config.chunk_iterations)
        return loop, jax.tree.map(jnp.mean, metrics)

    def _collect(self, loop: LoopState, action: Array, key: PRNGKeyArray) -> LoopState:
        keys = jax.random.split(key, self.config.environments)
        step = jax.vmap(step_autoreset, in_axes=(None, 0, 0, 0))
        state, timestep, observation = step(self.environment, keys, loop.environment_state, action)
        transition = Transition(
            observation=loop.observation,
            action=action,
            reward=timestep.reward,
            discount=jnp.where(timestep.terminated, 0.0, self.algorithm.discount),
            next_observation=timestep.observation,
        )
        return LoopState(loop.train_state, self._replay.add(loop.replay, transition), state, observation, loop.key)
