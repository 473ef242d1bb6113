"""REINFORCE: the policy gradient with Monte-Carlo returns and a baseline (Williams, 1992)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics, Step
from edgewise.algorithms.policy_gradient import (
    PolicyGradient,
    PolicyGradientConfig,
    PolicyGradientState,
    Sample,
    explained_variance,
)
from edgewise.common.errors import check_choice, check_integer
from edgewise.networks.mlp import MLP
from edgewise.policies.stochastic import StochasticPolicy

Baseline = Literal["value", "mean", "none"]


@dataclass(frozen=True)
class REINFORCEConfig(PolicyGradientConfig):
    """Configuration of REINFORCE."""

    actor_rate: float = 5e-3
    critic_rate: float = 5e-3
    baseline: Baseline = "value"
    """What is subtracted from the returns: "value", what the value network expects; "mean", their mean over the rollout; or
    "none"."""
    critic_steps: int = 5
    """Gradient steps of the value network per rollout. It is learned with every baseline, since it stands for what would have
    followed where an episode or the rollout is cut."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("baseline", self.baseline, get_args(Baseline))
        check_integer("critic_steps", self.critic_steps, 1)


class REINFORCE(PolicyGradient[REINFORCEConfig]):
    """One step along the policy gradient for each rollout."""

    @property
    def actor_steps(self) -> int:
        return 1

    @property
    def critic_steps(self) -> int:
        return self.config.critic_steps

    def update(
        self, train_state: PolicyGradientState, rollout: Step, key: PRNGKeyArray
    ) -> tuple[PolicyGradientState, Metrics]:
        sample = self.samples(train_state, rollout, trace=1.0)
        (_, metrics), gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(train_state.actor, sample)
        actor, actor_optimiser = self.improve_actor(train_state, gradient)

        def fit(critic: tuple[MLP, object], _: None) -> tuple[tuple[MLP, object], Float[Array, ""]]:
            network, optimiser, loss = self.improve_critic(*critic, sample)
            return (network, optimiser), loss

        (critic, critic_optimiser), losses = jax.lax.scan(
            fit, (train_state.critic, train_state.critic_optimiser), None, length=self.config.critic_steps
        )
        next_state = PolicyGradientState(actor, critic, actor_optimiser, critic_optimiser)
        learned = {"critic_loss": losses.mean(), "explained_variance": explained_variance(sample)}
        return next_state, metrics | learned

    def actor_objective(self, actor: StochasticPolicy, sample: Sample) -> tuple[Float[Array, ""], Metrics]:
        """Minus the mean of log pi(a|s) (G - baseline), whose gradient is the policy gradient; less the entropy bonus."""
        log_probability, entropy = actor.log_probability_and_entropy(sample.observation, sample.action)
        gain = (log_probability * self.weight(sample)).mean()
        metrics = {"actor_gain": gain, "entropy": entropy.mean()}
        return -(gain + self.config.entropy_weight * entropy.mean()), metrics

    def weight(self, sample: Sample) -> Float[Array, " b"]:
        """The weight of each log-probability: returns less the baseline."""
        match self.config.baseline:
            case "value":
                return sample.advantage
            case "mean":
                return sample.target - sample.target.mean()
            case "none":
                return sample.target
