"""The off-policy loop: vectorised environments, replay and updates, scanned inside one compiled chunk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import equinox as eqx
import flashbax
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition
from edgewise.environments.base import Environment, step_autoreset
from edgewise.numerics.checks import check_integer, check_range
from edgewise.training.config import TrainingConfig
from edgewise.training.experience import Step, n_step
from edgewise.training.loop import Loop


@dataclass(frozen=True)
class OffPolicyConfig(TrainingConfig):
    """How much experience is collected, how it is replayed, and how often progress is judged.

    `steps` includes the warm-up.

    Attributes:
        updates: updates after each step of all copies; the update-to-data ratio is updates / environments.
        warmup_steps: steps with uniformly random actions before the first update.
        replay_capacity: transitions kept (CGDM and D2SAC papers: 1e6; about 0.9 kB each in the default agent-migration
            system, 0.35 kB in service selection).
    """

    updates: int = 2
    warmup_steps: int = 5_000
    replay_capacity: int = 250_000

    def check_sizes(self) -> None:
        check_integer("updates", self.updates, 1)
        check_integer("warmup_steps", self.warmup_steps, 0)
        check_range("replay_capacity", self.replay_capacity, self.environments)

    @property
    def fewest_steps(self) -> str:
        least = self.warmup_iterations * self.environments + self.evaluations * self.environments
        return f"warmup_steps + evaluations * environments = {least}"

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
        return (self.warmup_iterations + chunks * self.chunk_iterations) * self.environments


class OffPolicyState(eqx.Module):
    """Everything that a run needs to go on, for one seed (or with a leading axis of seeds).

    Attributes:
        train_state: of the algorithm.
        replay: of Flashbax.
        recent: the latest n - 1 steps of every copy, oldest first, for n-step returns.
        environment_state, observation: of every copy.
        key: randomness to come.
    """

    train_state: Any
    replay: Any
    recent: tuple[Step, ...]
    environment_state: Any
    observation: Any
    key: PRNGKeyArray


class OffPolicyLoop(Loop):
    """An off-policy run: act, store, learn from replayed transitions.

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

    def start(self, key: PRNGKeyArray) -> OffPolicyState:
        """Fresh learner, environments and replay, the latter filled by the warm-up."""
        learner_key, reset_key, warmup_key, key = jax.random.split(key, 4)
        state, observation = jax.vmap(self.environment.reset)(jax.random.split(reset_key, self.config.environments))
        first = jax.tree.map(lambda x: x[0], observation)
        space = self.environment.action_space
        example = Transition(first, space.sample(reset_key), jnp.zeros(()), jnp.zeros(()), first)
        loop = OffPolicyState(
            train_state=self.algorithm.init(learner_key),
            replay=self._replay.init(example),
            recent=self._blank_steps(first, space.sample(reset_key)),
            environment_state=state,
            observation=observation,
            key=key,
        )

        def explore(loop: OffPolicyState, key: PRNGKeyArray, store: bool) -> tuple[OffPolicyState, None]:
            action_key, step_key = jax.random.split(key)
            action = jax.vmap(space.sample)(jax.random.split(action_key, self.config.environments))
            return self._collect(loop, action, step_key, store), None

        keys = jax.random.split(warmup_key, self.config.warmup_iterations)
        incomplete = self.algorithm.n_step - 1
        loop, _ = jax.lax.scan(partial(explore, store=False), loop, keys[:incomplete])
        loop, _ = jax.lax.scan(partial(explore, store=True), loop, keys[incomplete:])
        return loop

    def chunk(self, state: OffPolicyState) -> tuple[OffPolicyState, dict[str, Array]]:
        def iterate(loop: OffPolicyState, _: None) -> tuple[OffPolicyState, dict[str, Array]]:
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
            loop = replace(loop, train_state=train_state, key=key)
            return loop, jax.tree.map(jnp.mean, metrics)

        state, metrics = jax.lax.scan(iterate, state, None, length=self.config.chunk_iterations)
        return state, jax.tree.map(jnp.mean, metrics)

    def _collect(self, loop: OffPolicyState, action: Array, key: PRNGKeyArray, store: bool = True) -> OffPolicyState:
        keys = jax.random.split(key, self.config.environments)
        step = jax.vmap(step_autoreset, in_axes=(None, 0, 0, 0))
        state, timestep, observation = step(self.environment, keys, loop.environment_state, action)
        newest = Step(
            observation=loop.observation,
            action=action,
            reward=timestep.reward,
            terminated=timestep.terminated,
            ended=timestep.terminated | timestep.truncated,
            next_observation=timestep.observation,
        )
        window = (*loop.recent, newest)
        transition = n_step(jax.tree.map(lambda *steps: jnp.stack(steps), *window), self.algorithm.discount)
        return replace(
            loop,
            replay=self._replay.add(loop.replay, transition) if store else loop.replay,
            recent=window[1:],
            environment_state=state,
            observation=observation,
        )

    def _blank_steps(self, observation: Array, action: Array) -> tuple[Step, ...]:
        step = Step(observation, action, jnp.zeros(()), jnp.zeros((), bool), jnp.zeros((), bool), observation)
        copies = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.config.environments, *x.shape)), step)
        return (copies,) * (self.algorithm.n_step - 1)
