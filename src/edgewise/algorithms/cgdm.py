"""CGDM: a diffusion actor whose value gradient is weighed by its confidence (CGDM paper, section IV-B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition, flat_size
from edgewise.algorithms.critic import ActionValue, critic_objective
from edgewise.algorithms.optimisers import falling_adam
from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import Schedule, ScheduleName, make_schedule
from edgewise.environments.spaces import Spaces
from edgewise.networks.mlp import soft_update
from edgewise.policies.diffusion import DiffusionPolicy, consistency_loss

ValueScale = Literal["deviation", "magnitude", "none"]


@dataclass(frozen=True)
class CGDMConfig:
    """Configuration of CGDM; "Table II" is that of the CGDM paper, "Table 1" that of the D2SAC paper.

    Attributes:
        denoising_steps: K (Table II).
        schedule: noise schedule; the paper only says "variational", vp is that of the D2SAC paper.
        squash: bound the predicted noise by tanh as printed in (31) instead of clipping the implied clean action.
        hidden: widths of the hidden layers of actor and critics (Table 1).
        time_embedding: size of the step embedding (Table 1).
        confidence_sensitivity: kappa of (34); 0 switches the confidence off ("w.o. Con").
        consistency_weight: rho of (35); 0 switches the consistency term off ("w.o. DC"); with kappa = 0 too this is GDM.
        value_scale: what Q in (35) is divided by, so that rho means the same for every reward: "deviation", the batch mean
            of |Q - mean Q|, which no constant added to the reward changes; "magnitude", the batch mean of |Q|; or "none".
        exploration: probability with which a component of the action is redrawn uniformly while experience is collected.
        actor_rate: learning rate eta_a at the start (Table II: 1e-4).
        critic_rate: learning rate eta_c at the start (Table II: 1e-3).
        final_rate: share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (Table II).
        batch_size: transitions per update M (Table II).
        discount: gamma (Table II: 0.95).
        target_rate: soft update tau (Table II).
        deploy_average: deploy the slow copy of the actor, an average over its latest updates, instead of the actor itself.
    """

    denoising_steps: int = 5
    schedule: ScheduleName = "vp"
    squash: bool = False
    hidden: tuple[int, ...] = (256, 256)
    time_embedding: int = 16
    confidence_sensitivity: float = 1.0
    consistency_weight: float = 0.1
    value_scale: ValueScale = "deviation"
    exploration: float = 0.1
    actor_rate: float = 6e-4
    critic_rate: float = 2e-3
    final_rate: float = 0.05
    batch_size: int = 256
    discount: float = 0.8
    target_rate: float = 0.005
    deploy_average: bool = True

    def __post_init__(self) -> None:
        check_integer("denoising_steps", self.denoising_steps, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_integer("time_embedding", self.time_embedding, 2)
        check_range("hidden", self.hidden, 1)
        check_range("confidence_sensitivity", self.confidence_sensitivity, 0)
        check_range("consistency_weight", self.consistency_weight, 0)
        check_choice("value_scale", self.value_scale, get_args(ValueScale))
        check_range("exploration", self.exploration, 0, 1)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)


@dataclass(frozen=True)
class GDMConfig(CGDMConfig):
    """CGDM without confidence and consistency: the plain diffusion policy of the CGDM paper's comparison."""

    confidence_sensitivity: float = 0.0
    consistency_weight: float = 0.0


class CGDMState(eqx.Module):
    """Parameters and optimiser states; `target_*` are the slow copies of (40)."""

    actor: Denoiser
    critic: ActionValue
    target_actor: Denoiser
    target_critic: ActionValue
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class CGDM(OffPolicyAlgorithm[CGDMState]):
    """Confidence-regulated generative diffusion model for continuous actions in [-1, 1]^A."""

    config: CGDMConfig = eqx.field(static=True)
    observation_size: int = eqx.field(static=True)
    action_size: int = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: CGDMConfig, spaces: Spaces, updates: int) -> None:
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

    def init(self, key: PRNGKeyArray) -> CGDMState:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = Denoiser(self.observation_size, self.action_size, c.hidden, c.time_embedding, actor_key)
        critic = ActionValue(self.observation_size, self.action_size, c.hidden, critic_key)
        return CGDMState(
            actor, critic, actor, critic, self._actor_optimiser.init(actor), self._critic_optimiser.init(critic)
        )

    def policy(self, train_state: CGDMState) -> DiffusionPolicy:
        return self._with_denoiser(train_state.target_actor if self.config.deploy_average else train_state.actor)

    def act(
        self, train_state: CGDMState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        if not explore:
            return self.policy(train_state)(observation, None)
        chain_key, where_key, redraw_key = jax.random.split(key, 3)
        action = self._with_denoiser(train_state.actor)(observation, chain_key)
        redrawn = jax.random.uniform(redraw_key, action.shape, action.dtype, minval=-1.0, maxval=1.0)
        return jnp.where(jax.random.bernoulli(where_key, self.config.exploration, action.shape), redrawn, action)

    def update(
        self, train_state: CGDMState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[CGDMState, dict[str, Float[Array, ""]]]:
        c = self.config
        target_key, actor_key = jax.random.split(key)
        goal = self.value_target(train_state, batch, target_key)
        critic_loss, critic_gradient = jax.value_and_grad(critic_objective)(train_state.critic, batch, goal)
        step, critic_optimiser = self._critic_optimiser.update(critic_gradient, train_state.critic_optimiser)
        critic = eqx.apply_updates(train_state.critic, step)

        (_, metrics), actor_gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(
            train_state.actor, critic, batch, actor_key
        )
        step, actor_optimiser = self._actor_optimiser.update(actor_gradient, train_state.actor_optimiser)
        actor = eqx.apply_updates(train_state.actor, step)
        next_state = CGDMState(
            actor=actor,
            critic=critic,
            target_actor=soft_update(train_state.target_actor, actor, c.target_rate),
            target_critic=soft_update(train_state.target_critic, critic, c.target_rate),
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
        )
        return next_state, metrics | {"critic_loss": critic_loss}

    def value_target(self, train_state: CGDMState, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """TD target of (38): the smaller of both target values of the target actor's action."""
        action = self._with_denoiser(train_state.target_actor)(batch.next_observation, key)
        value = train_state.target_critic(batch.next_observation, action).min(0)
        return batch.reward + batch.discount * value

    def actor_objective(
        self, actor: Denoiser, critic: ActionValue, batch: Transition, key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Negative objective (35), with the confidence (34) held constant under differentiation, and its parts."""
        c = self.config
        action_key, confidence_key, loss_key = jax.random.split(key, 3)
        policy = self._with_denoiser(actor)
        action = policy(batch.observation, action_key)
        value = critic(batch.observation, action).min(0)
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
        return DiffusionPolicy(denoiser, self._schedule, self.config.squash)

    @property
    def _schedule(self) -> Schedule:
        return make_schedule(self.config.schedule, self.config.denoising_steps)

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.actor_rate, self.config.final_rate, self.updates)

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.critic_rate, self.config.final_rate, self.updates)


def value_scale(value: Float[Array, " b"], kind: ValueScale) -> Float[Array, ""]:
    """What the values of a batch are divided by; see `CGDMConfig.value_scale`."""
    if kind == "none":
        return jnp.ones(())
    centre = value.mean() if kind == "deviation" else 0.0
    return jnp.abs(value - centre).mean() + np.finfo(value.dtype).eps
