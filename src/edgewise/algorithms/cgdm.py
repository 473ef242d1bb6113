"""CGDM: a diffusion actor whose value gradient is weighed by its confidence (CGDM paper, section IV-B)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.actor_critic import ActorCriticState, Optimisers, check_actor_critic, optimisers
from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_box
from edgewise.algorithms.critic import ActionValue, critic_objective, new_critic
from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.common.plain import ADDED
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import ScheduleName, make_schedule
from edgewise.policies.diffusion import DiffusionPolicy, consistency_loss

ValueScale = Literal["deviation", "magnitude", "none"]
CGDMState = ActorCriticState[Denoiser]
"""The slow copies are those of (40)."""


@dataclass(frozen=True)
class CGDMConfig:
    """Configuration of CGDM; "Table II" is that of the CGDM paper, "Table 1" that of the D2SAC paper."""

    denoising_steps: int = 5
    """Denoising steps K (Table II)."""
    schedule: ScheduleName = "vp"
    """Noise schedule; the paper only says "variational", vp is that of the D2SAC paper."""
    squash: bool = False
    """Bound the predicted noise by tanh as printed in (31) instead of clipping the implied clean action."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics (Table 1)."""
    time_embedding: int = 16
    """Size of the step embedding (Table 1)."""
    confidence_sensitivity: float = 1.0
    """Kappa of (34); 0 switches the confidence off ("w.o. Con")."""
    consistency_weight: float = 0.1
    """Rho of (35); 0 switches the consistency term off ("w.o. DC"); with kappa = 0 too this is GDM."""
    value_scale: ValueScale = "deviation"
    """What Q in (35) is divided by, so that rho means the same for every reward: "deviation", the batch mean of
    |Q - mean Q|, which no constant added to the reward changes; "magnitude", the batch mean of |Q|; or "none"."""
    exploration: float = 0.1
    """Probability with which a component of the action is redrawn uniformly while experience is collected."""
    actor_rate: float = 6e-4
    """Learning rate eta_a at the start (Table II: 1e-4)."""
    critic_rate: float = 2e-3
    """Learning rate eta_c at the start (Table II: 1e-3)."""
    final_rate: float = 0.05
    """Share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (Table II)."""
    batch_size: int = 256
    """Transitions per update M (Table II)."""
    discount: float = 0.8
    """Discount factor gamma (Table II: 0.95)."""
    target_rate: float = 0.005
    """Soft update tau (Table II)."""
    deploy_average: bool = True
    """Deploy the slow copy of the actor, an average over its latest updates, instead of the actor itself."""
    privileged: bool = field(default=False, metadata=ADDED)
    """Show the critics what only a critic may see, in training, where the environment offers it."""
    layer_norm: bool = field(default=False, metadata=ADDED)
    """Normalise the hidden layers of the critics."""

    def __post_init__(self) -> None:
        check_integer("denoising_steps", self.denoising_steps, 1)
        check_integer("time_embedding", self.time_embedding, 2)
        check_range("confidence_sensitivity", self.confidence_sensitivity, 0)
        check_range("consistency_weight", self.consistency_weight, 0)
        check_choice("value_scale", self.value_scale, get_args(ValueScale))
        check_range("exploration", self.exploration, 0, 1)
        check_actor_critic(self)


@dataclass(frozen=True)
class GDMConfig(CGDMConfig):
    """CGDM without confidence and consistency: the plain diffusion policy of the CGDM paper's comparison."""

    confidence_sensitivity: float = 0.0
    consistency_weight: float = 0.0


class CGDM(OffPolicyAlgorithm[CGDMConfig, CGDMState]):
    """Confidence-regulated generative diffusion model for continuous actions in [-1, 1]^A."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_box(self.spaces)

    def init(self, key: PRNGKeyArray) -> CGDMState:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = Denoiser(self.observation_size, self.action_size, c.hidden, c.time_embedding, actor_key)
        critic = new_critic(c, self.spaces, critic_key)
        return self._optimisers.begin(actor, critic)

    def policy(self, train_state: CGDMState) -> DiffusionPolicy:
        return self._with_denoiser(train_state.target_actor if self.config.deploy_average else train_state.actor)

    def with_policy(self, train_state: CGDMState, policy: DiffusionPolicy) -> CGDMState:
        return replace(train_state, actor=policy.denoiser, target_actor=policy.denoiser)

    def act(
        self, train_state: CGDMState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        if not explore:
            return self.policy(train_state)(observation, None)
        chain_key, where_key, redraw_key = jax.random.split(key, 3)
        action = self._with_denoiser(train_state.actor)(observation, chain_key)
        redrawn = jax.random.uniform(redraw_key, action.shape, action.dtype, minval=-1.0, maxval=1.0)
        return jnp.where(jax.random.bernoulli(where_key, self.config.exploration, action.shape), redrawn, action)

    def update(self, train_state: CGDMState, batch: Transition, key: PRNGKeyArray) -> tuple[CGDMState, Metrics]:
        target_key, actor_key = jax.random.split(key)
        target = self.value_target(train_state, batch, target_key)
        critic, critic_optimiser, loss = self._optimisers.improve_critic(
            critic_objective, train_state.critic, train_state.critic_optimiser, batch, target
        )
        actor, actor_optimiser, metrics = self._optimisers.improve_actor(
            self.actor_objective, train_state.actor, train_state.actor_optimiser, critic, batch, actor_key
        )
        next_state = train_state.after((actor, actor_optimiser), (critic, critic_optimiser), self.config.target_rate)
        return next_state, metrics | {"critic_loss": loss}

    def value_target(self, train_state: CGDMState, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """TD target of (38): the smaller of both target values of the target actor's action."""
        action = self._with_denoiser(train_state.target_actor)(batch.next_observation, key)
        value = train_state.target_critic.shown(batch.next_privileged)(batch.next_observation, action).min(0)
        return batch.reward + batch.discount * value

    def actor_objective(
        self, actor: Denoiser, critic: ActionValue, batch: Transition, key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative objective (35), with the confidence (34) held constant under differentiation, and its parts."""
        c = self.config
        action_key, confidence_key, loss_key = jax.random.split(key, 3)
        policy = self._with_denoiser(actor)
        action = policy(batch.observation, action_key)
        value = critic.shown(batch.privileged)(batch.observation, action).min(0)
        consistency = consistency_loss(policy, batch.observation, batch.action, loss_key).mean()
        confidence = jnp.exp(
            -c.confidence_sensitivity * consistency_loss(policy, batch.observation, action, confidence_key)
        )
        gain = (jax.lax.stop_gradient(confidence) * value).mean() / jax.lax.stop_gradient(
            value_scale(value, c.value_scale)
        )
        metrics = {"value": value.mean(), "confidence": confidence.mean(), "consistency_loss": consistency}
        return c.consistency_weight * consistency - gain, metrics

    def _with_denoiser(self, denoiser: Denoiser) -> DiffusionPolicy:
        schedule = make_schedule(self.config.schedule, self.config.denoising_steps)
        return DiffusionPolicy(denoiser, schedule, self.config.squash)

    @property
    def _optimisers(self) -> Optimisers:
        return optimisers(self.config, self.updates)


def value_scale(value: Float[Array, " b"], kind: ValueScale) -> Float[Array, ""]:
    """What the values of a batch are divided by; see `CGDMConfig.value_scale`."""
    if kind == "none":
        return jnp.ones(())
    centre = value.mean() if kind == "deviation" else 0.0
    return jnp.abs(value - centre).mean() + np.finfo(value.dtype).eps
