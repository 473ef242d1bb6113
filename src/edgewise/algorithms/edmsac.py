"""EDMSAC: soft actor-critic whose diffusion actor is pruned while it learns (EDMSAC paper, section V).

How log pi is obtained. The density of a reverse chain's end has no closed form, and with the fixed variances of (54) it does
not even depend on the parameters given the chain. Two readings, by `log_density`:

- "last-step": the last step adds normal noise of a learned deviation before tanh, and log pi is the logarithm of that step's
  density given all steps before it. Conditioning cannot raise an entropy, so its mean is a lower bound of the policy's
  entropy, exact for a chain whose end does not depend on its noise.
- "fitted": the last step adds no noise, as in (54); several chains are run for every observation, a normal density with
  independent components is fitted to their ends before tanh, and log pi is that of the first chain's end under it. Among all
  densities of these moments the normal one has the largest entropy, so its mean estimates an upper bound.

Either way the change of variables by tanh is part of it. The sign of log pi is that of (51): entropy is rewarded; (55) prints
the opposite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition, flat_size
from edgewise.algorithms.critic import ActionValue, critic_objective
from edgewise.algorithms.optimisers import falling_adam
from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.pruning import compact, prune, row_masks
from edgewise.diffusion.schedule import ScheduleName, make_schedule
from edgewise.environments.spaces import Spaces
from edgewise.networks.mlp import soft_update
from edgewise.numerics.squashed_normal import squashed_normal
from edgewise.policies.categorical_diffusion import Prediction
from edgewise.policies.squashed_diffusion import ChainNoise, SquashedDiffusionPolicy

LogDensity = Literal["last-step", "fitted"]
SMALLEST_VARIANCE = 1e-4
"""Added to the variance of a fitted density, so that chains which agree do not make it infinite."""


@dataclass(frozen=True)
class EDMSACConfig:
    """Configuration of EDMSAC; "paper" is its section VI-A, other values are ours.

    Attributes:
        denoising_steps: M (paper: 3, 6, 12).
        schedule: noise schedule (paper: vp).
        predicts: what the denoiser gives: the "noise" in x_m as in (53), or the "clean" x_0.
        chain_noise: variance of a step's noise: "forward", zeta_m as in (54), or "posterior".
        hidden: widths of the hidden layers of actor and critics.
        time_embedding: size of the step embedding.
        pruning_rate: share of the neurons of each hidden layer of the actor that is masked (paper: 0.3, 0.5, 0.7).
        revive: pruned rows keep their weights and are moved by the gradient of the pruned network like all others, so that
            they come back once they outweigh a row that was kept; otherwise (58) and (59) as printed: they are
            overwritten by zero before every update.
        compact: deploy the actor without its pruned neurons; otherwise with zeros in their place.
        temperature: kappa, weight of the entropy; 0 learns without one.
        log_density: how log pi is obtained; see the module.
        deviation: of the last step's noise at the start.
        fit_samples: chains to which a density is fitted.
        exploration: standard deviation of normal noise on collected actions.
        critics: value networks; the smallest value of all is used.
        actor_rate, critic_rate: learning rates at the start (paper: 2e-7 and 2e-6, or 1e-4 both).
        final_rate: share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (paper).
        weight_decay: of actor and critics (paper: 1e-4).
        batch_size: transitions per update.
        discount: gamma (paper: 0.99).
        target_rate: soft update tau (paper: 0.005).
    """

    denoising_steps: int = 6
    schedule: ScheduleName = "vp"
    predicts: Prediction = "clean"
    chain_noise: ChainNoise = "forward"
    hidden: tuple[int, ...] = (256, 256)
    time_embedding: int = 16
    pruning_rate: float = 0.5
    revive: bool = True
    compact: bool = True
    temperature: float = 0.01
    log_density: LogDensity = "last-step"
    deviation: float = 0.3
    fit_samples: int = 8
    exploration: float = 0.0
    critics: int = 2
    actor_rate: float = 6e-4
    critic_rate: float = 2e-3
    final_rate: float = 0.05
    weight_decay: float = 1e-4
    batch_size: int = 256
    discount: float = 0.95
    target_rate: float = 0.005

    def __post_init__(self) -> None:
        check_integer("denoising_steps", self.denoising_steps, 1)
        check_choice("predicts", self.predicts, get_args(Prediction))
        check_choice("chain_noise", self.chain_noise, get_args(ChainNoise))
        check_range("hidden", self.hidden, 1)
        check_integer("time_embedding", self.time_embedding, 2)
        check_range("pruning_rate", self.pruning_rate, 0, 1, open_high=True)
        check_range("temperature", self.temperature, 0)
        check_choice("log_density", self.log_density, get_args(LogDensity))
        check_range("deviation", self.deviation, 0, open_low=True)
        check_integer("fit_samples", self.fit_samples, 2)
        check_range("exploration", self.exploration, 0)
        check_integer("critics", self.critics, 1)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_range("weight_decay", self.weight_decay, 0)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)

    @property
    def last_noise(self) -> bool:
        """Whether the chain's last step adds noise."""
        return self.temperature > 0 and self.log_density == "last-step"


@dataclass(frozen=True)
class DMSACConfig(EDMSACConfig):
    """EDMSAC without pruning."""

    pruning_rate: float = 0.0


@dataclass(frozen=True)
class DMDDPGConfig(EDMSACConfig):
    """DDPG with a diffusion actor: no pruning, no entropy, one critic, normal noise on collected actions."""

    pruning_rate: float = 0.0
    temperature: float = 0.0
    exploration: float = 0.1
    critics: int = 1


class Actor(eqx.Module):
    """What is learned of the policy; the denoiser is the whole one.

    Attributes:
        denoiser: xi_theta.
        log_deviation: of the last step's noise, or none.
    """

    denoiser: Denoiser
    log_deviation: Float[Array, " a"] | None


class EDMSACState(eqx.Module):
    """Parameters and optimiser states; `target_*` are the slow copies of (60)."""

    actor: Actor
    critic: ActionValue
    target_actor: Actor
    target_critic: ActionValue
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class EDMSAC(OffPolicyAlgorithm[EDMSACState]):
    """Enhanced diffusion-model-based soft actor-critic for actions in [-1, 1]^A."""

    config: EDMSACConfig = eqx.field(static=True)
    observation_size: int = eqx.field(static=True)
    action_size: int = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: EDMSACConfig, spaces: Spaces, updates: int) -> None:
        """Args: configuration, the spaces to learn in (vectors), and the updates of the run (for the learning rates)."""
        self.config = config
        self.updates = updates
        self.observation_size = flat_size(spaces.observation)
        self.action_size = flat_size(spaces.action)

    @property
    def discount(self) -> float:
        return self.config.discount

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def init(self, key: PRNGKeyArray) -> EDMSACState:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        denoiser = Denoiser(self.observation_size, self.action_size, c.hidden, c.time_embedding, actor_key)
        deviation = jnp.full(self.action_size, math.log(c.deviation), dtype=float) if c.last_noise else None
        actor = Actor(denoiser, deviation)
        critic = ActionValue(self.observation_size, self.action_size, c.hidden, critic_key, c.critics)
        return EDMSACState(
            actor, critic, actor, critic, self._actor_optimiser.init(actor), self._critic_optimiser.init(critic)
        )

    def policy(self, train_state: EDMSACState) -> SquashedDiffusionPolicy:
        actor = train_state.target_actor
        return self._with(self._compact(actor) if self.config.compact else self.prune(actor))

    def act(
        self, train_state: EDMSACState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        if not explore:
            return self.policy(train_state)(observation, None)
        chain_key, noise_key = jax.random.split(key)
        action = self._with(self._compact(train_state.actor))(observation, chain_key)
        noise = self.config.exploration * jax.random.normal(noise_key, action.shape, action.dtype)
        return jnp.clip(action + noise, -1.0, 1.0)

    def update(
        self, train_state: EDMSACState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[EDMSACState, dict[str, Float[Array, ""]]]:
        c = self.config
        target_key, actor_key = jax.random.split(key)
        goal = self.value_target(train_state, batch, target_key)
        critic_loss, gradient = jax.value_and_grad(critic_objective)(train_state.critic, batch, goal)
        step, critic_optimiser = self._critic_optimiser.update(
            gradient, train_state.critic_optimiser, train_state.critic
        )
        critic = eqx.apply_updates(train_state.critic, step)

        pruned = self.prune(train_state.actor)
        (_, metrics), gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(
            pruned, critic, batch.observation, actor_key
        )
        before, target_before = train_state.actor, train_state.target_actor
        if not c.revive:
            before, target_before = pruned, self.prune(target_before)
        step, actor_optimiser = self._actor_optimiser.update(gradient, train_state.actor_optimiser, before)
        actor = eqx.apply_updates(before, step)
        next_state = EDMSACState(
            actor=actor,
            critic=critic,
            target_actor=soft_update(target_before, actor, c.target_rate),
            target_critic=soft_update(train_state.target_critic, critic, c.target_rate),
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
        )
        turnover = self._turnover(train_state.actor, actor)
        return next_state, metrics | {"critic_loss": critic_loss, "turnover": turnover}

    def value_target(self, train_state: EDMSACState, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """TD target of (56): the smallest target value of the pruned target actor's action, less kappa log pi of it."""
        actor = self._compact(train_state.target_actor)
        action, log_density = self.draw(actor, batch.next_observation, key)
        value = train_state.target_critic(batch.next_observation, action).min(0)
        return batch.reward + batch.discount * (value - self.config.temperature * log_density)

    def actor_objective(
        self, actor: Actor, critic: ActionValue, observation: Float[Array, "b o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Loss (55) of an actor as it is, with the sign of (51): mean of kappa log pi - min Q; and its parts."""
        action, log_density = self.draw(actor, observation, key)
        value, entropy = critic(observation, action).min(0).mean(), -log_density.mean()
        return -(value + self.config.temperature * entropy), {"value": value, "entropy": entropy}

    def draw(
        self, actor: Actor, observation: Float[Array, "b o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, "b a"], Float[Array, " b"]]:
        """An action for each observation and its log pi, see the module; log pi is 0 where no entropy is asked for."""
        policy = self._with(actor)
        if self.config.temperature == 0:
            return policy(observation, key), jnp.zeros(len(observation))
        if self.config.last_noise:
            return policy.draw(observation, key)
        samples = (self.config.fit_samples, *observation.shape)
        ends = policy.centre(jnp.broadcast_to(observation, samples), key)
        deviation = jnp.sqrt(ends.var(0) + SMALLEST_VARIANCE)
        mean = ends.mean(0)
        return squashed_normal(mean, jnp.log(deviation), (ends[0] - mean) / deviation)

    def prune(self, actor: Actor) -> Actor:
        """The actor with its less important rows at zero: (58)."""
        if self.config.pruning_rate == 0:
            return actor
        return Actor(prune(actor.denoiser, self.config.pruning_rate), actor.log_deviation)

    def _compact(self, actor: Actor) -> Actor:
        if self.config.pruning_rate == 0:
            return actor
        return Actor(compact(actor.denoiser, self.config.pruning_rate), actor.log_deviation)

    def _turnover(self, before: Actor, after: Actor) -> Float[Array, ""]:
        """Share of the hidden neurons that were pruned by one update and not before, or the reverse."""
        old, new = (jnp.concatenate(row_masks(one.denoiser, self.config.pruning_rate)) for one in (before, after))
        return (old != new).mean()

    def _with(self, actor: Actor) -> SquashedDiffusionPolicy:
        c = self.config
        schedule = make_schedule(c.schedule, c.denoising_steps)
        return SquashedDiffusionPolicy(actor.denoiser, schedule, actor.log_deviation, c.predicts, c.chain_noise)

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        c = self.config
        return falling_adam(c.actor_rate, c.final_rate, self.updates, decay=c.weight_decay)

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        c = self.config
        return falling_adam(c.critic_rate, c.final_rate, self.updates, decay=c.weight_decay)
