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
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.actor_critic import ActorCriticState, Optimisers, check_actor_critic, optimisers
from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_box
from edgewise.algorithms.critic import Critic, critic_objective, new_critic
from edgewise.algorithms.optimisers import descend
from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.common.plain import ADDED
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.pruning import compact, prune, row_masks
from edgewise.diffusion.schedule import ScheduleName, make_schedule
from edgewise.numerics.squashed_normal import squashed_normal
from edgewise.policies.categorical_diffusion import Prediction
from edgewise.policies.squashed_diffusion import ChainNoise, SquashedDiffusionPolicy

LogDensity = Literal["last-step", "fitted"]
SMALLEST_VARIANCE = 1e-4
"""Added to the variance of a fitted density, so that chains which agree do not make it infinite."""


@dataclass(frozen=True)
class EDMSACConfig:
    """Configuration of EDMSAC; "paper" is its section VI-A, other values are ours."""

    denoising_steps: int = 6
    """Denoising steps M (paper: 3, 6, 12)."""
    schedule: ScheduleName = "vp"
    """Noise schedule (paper: vp)."""
    predicts: Prediction = "clean"
    """What the denoiser gives: the "noise" in x_m as in (53), or the "clean" x_0."""
    chain_noise: ChainNoise = "forward"
    """Variance of the noise of a denoising step: "forward", zeta_m as in (54), or "posterior"."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics."""
    time_embedding: int = 16
    """Size of the step embedding."""
    pruning_rate: float = 0.5
    """Share of the neurons of each hidden layer of the actor that is masked (paper: 0.3, 0.5, 0.7)."""
    revive: bool = True
    """Pruned rows keep their weights and are moved by the gradient of the pruned network like all others, so that they
    come back once they outweigh a row that was kept; otherwise (58) and (59) as printed: they are overwritten by zero
    before every update."""
    compact: bool = True
    """Deploy the actor without its pruned neurons; otherwise with zeros in their place."""
    temperature: float = 0.01
    """Kappa, weight of the entropy; 0 learns without one."""
    log_density: LogDensity = "last-step"
    """How log pi is obtained: "last-step", the density of the last denoising step, a lower bound of the entropy; or
    "fitted", that of a normal density fitted to several chains, an upper bound."""
    deviation: float = 0.3
    """Standard deviation of the noise of the last denoising step at the start."""
    fit_samples: int = 8
    """Chains to which a density is fitted."""
    exploration: float = 0.0
    """Standard deviation of normal noise on collected actions."""
    critics: int = 2
    """Value networks; the smallest value of all is used."""
    actor_rate: float = 6e-4
    """Learning rate of the actor at the start (paper: 2e-7, or 1e-4)."""
    critic_rate: float = 2e-3
    """Learning rate of the critics at the start (paper: 2e-6, or 1e-4)."""
    final_rate: float = 0.05
    """Share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (paper)."""
    weight_decay: float = 1e-4
    """Weight decay of actor and critics (paper: 1e-4)."""
    batch_size: int = 256
    """Transitions per update."""
    discount: float = 0.95
    """Discount factor gamma (paper: 0.99)."""
    target_rate: float = 0.005
    """Soft update tau (paper: 0.005)."""
    privileged: bool = field(default=False, metadata=ADDED)
    """Show the critics what only a critic may see, in training, where the environment offers it."""
    layer_norm: bool = field(default=False, metadata=ADDED)
    """Normalise the hidden layers of the critics."""

    def __post_init__(self) -> None:
        check_integer("denoising_steps", self.denoising_steps, 1)
        check_choice("predicts", self.predicts, get_args(Prediction))
        check_choice("chain_noise", self.chain_noise, get_args(ChainNoise))
        check_integer("time_embedding", self.time_embedding, 2)
        check_range("pruning_rate", self.pruning_rate, 0, 1, open_high=True)
        check_range("temperature", self.temperature, 0)
        check_choice("log_density", self.log_density, get_args(LogDensity))
        check_range("deviation", self.deviation, 0, open_low=True)
        check_integer("fit_samples", self.fit_samples, 2)
        check_range("exploration", self.exploration, 0)
        check_integer("critics", self.critics, 1)
        check_range("weight_decay", self.weight_decay, 0)
        check_actor_critic(self)

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
        log_deviation: logarithm of the standard deviation of the last step's noise; None if that step adds none.
    """

    denoiser: Denoiser
    log_deviation: Float[Array, " a"] | None


EDMSACState = ActorCriticState[Actor]
"""The slow copies are those of (60)."""


class EDMSAC(OffPolicyAlgorithm[EDMSACConfig, EDMSACState]):
    """Enhanced diffusion-model-based soft actor-critic for actions in [-1, 1]^A."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_box(self.spaces)

    def init(self, key: PRNGKeyArray) -> EDMSACState:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        denoiser = Denoiser(self.observation_size, self.action_size, c.hidden, c.time_embedding, actor_key)
        deviation = jnp.full(self.action_size, math.log(c.deviation), dtype=float) if c.last_noise else None
        actor = Actor(denoiser, deviation)
        critic = new_critic(c, self.spaces, critic_key, c.critics)
        return self._optimisers.begin(actor, critic)

    def policy(self, train_state: EDMSACState) -> SquashedDiffusionPolicy:
        actor = train_state.target_actor
        return self.policy_of(self._compact(actor) if self.config.compact else self.prune(actor))

    def act(
        self, train_state: EDMSACState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        if not explore:
            return self.policy(train_state)(observation, None)
        chain_key, noise_key = jax.random.split(key)
        action = self.policy_of(self._compact(train_state.actor))(observation, chain_key)
        noise = self.config.exploration * jax.random.normal(noise_key, action.shape, action.dtype)
        return jnp.clip(action + noise, -1.0, 1.0)

    def update(self, train_state: EDMSACState, batch: Transition, key: PRNGKeyArray) -> tuple[EDMSACState, Metrics]:
        c = self.config
        target_key, actor_key = jax.random.split(key)
        target = self.value_target(train_state, batch, target_key)
        critic, critic_optimiser, critic_loss = self._optimisers.improve_critic(
            critic_objective, train_state.critic, train_state.critic_optimiser, batch, target
        )
        pruned = self.prune(train_state.actor)
        (_, metrics), gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(
            pruned, critic.shown(batch.privileged), batch.observation, actor_key
        )
        before = train_state
        if not c.revive:
            before = replace(train_state, actor=pruned, target_actor=self.prune(train_state.target_actor))
        actor = descend(self._optimisers.actor, before.actor, gradient, before.actor_optimiser)
        next_state = before.after(actor, (critic, critic_optimiser), c.target_rate)
        turnover = self._turnover(train_state.actor, next_state.actor)
        return next_state, metrics | {"critic_loss": critic_loss, "turnover": turnover}

    def value_target(self, train_state: EDMSACState, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """TD target of (56): the smallest target value of the pruned target actor's action, less kappa log pi of it."""
        actor = self._compact(train_state.target_actor)
        action, log_density = self.sample(actor, batch.next_observation, key)
        value = train_state.target_critic.shown(batch.next_privileged)(batch.next_observation, action).min(0)
        return batch.reward + batch.discount * (value - self.config.temperature * log_density)

    def actor_objective(
        self, actor: Actor, critic: Critic, observation: Float[Array, "b o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], Metrics]:
        """Loss (55) of an actor as it is, with the sign of (51): mean of kappa log pi - min Q; and its parts."""
        action, log_density = self.sample(actor, observation, key)
        value, entropy = critic(observation, action).min(0).mean(), -log_density.mean()
        return -(value + self.config.temperature * entropy), {"value": value, "entropy": entropy}

    def sample(
        self, actor: Actor, observation: Float[Array, "b o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, "b a"], Float[Array, " b"]]:
        """An action for each observation and its log pi, see the module; log pi is 0 where no entropy is asked for."""
        policy = self.policy_of(actor)
        if self.config.temperature == 0:
            return policy(observation, key), jnp.zeros(len(observation))
        if self.config.last_noise:
            return policy.sample_with_density(observation, key)
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

    def policy_of(self, actor: Actor) -> SquashedDiffusionPolicy:
        """The policy that an actor makes, as it is."""
        c = self.config
        schedule = make_schedule(c.schedule, c.denoising_steps)
        return SquashedDiffusionPolicy(actor.denoiser, schedule, actor.log_deviation, c.predicts, c.chain_noise)

    @property
    def _optimisers(self) -> Optimisers:
        return optimisers(self.config, self.updates, decay=self.config.weight_decay)
