"""Masked diffusion over sets, trained by weighted likelihood: policy mirror descent with samples.

Mirror descent moves a policy to pi exp(q / lambda), up to a factor. Here pi is a set of particles, decisions sampled from the
current policy; a particle's choice for a row has a weight in proportion to exp(advantage / lambda), and the network learns to
fill in weighted decisions of which a random part is masked. Lambda is such that the weights lie in a set mean Kullback-Leibler
divergence from equal ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import SMALLEST_GAIN, Decided, Values, mean_where
from edgewise.algorithms.entity import held, matching_sizes
from edgewise.algorithms.entity_actor_critic import EntityActorCritic, EntityActorCriticConfig, Judge
from edgewise.common.errors import check_integer, check_range
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.networks.bipartite import Features
from edgewise.policies.masked_matching import MaskedMatchingPolicy, Settled, first
from edgewise.policies.matching import START

TEMPERATURES = (1e-3, 1e3)
"""Least and largest lambda, of advantages of mean size 1."""
HALVINGS = 20
"""Steps of the bisection for lambda, in logarithms: to a millionth of the range."""


@dataclass(frozen=True)
class MaskedDiffusionConfig(EntityActorCriticConfig):
    """Configuration of masked diffusion over sets. Values without a source are ours."""

    unmasking_steps: int = 4
    """Steps K in which a decision is made."""
    particles: int = 8
    """Decisions sampled for every observation of a batch."""
    divergence: float = 0.3
    """Mean Kullback-Leibler divergence of the weights from equal ones, nats; lambda follows from it."""
    batch_size: int = 64
    exploration: float = 0.05

    def __post_init__(self) -> None:
        check_integer("unmasking_steps", self.unmasking_steps, 1)
        check_integer("particles", self.particles, 2)
        check_range("divergence", self.divergence, 0, open_low=True)
        super().__post_init__()


class MaskedDiffusion(EntityActorCritic[MaskedDiffusionConfig, MatchingDenoiser]):
    """Learns a `MaskedMatchingPolicy`."""

    @property
    def breadth(self) -> int:
        return max(super().breadth, self.config.particles)

    def new_actor(self, key: PRNGKeyArray) -> MatchingDenoiser:
        c = self.config
        return MatchingDenoiser(matching_sizes(self.spaces), c.width, c.rounds, 0, START, key)

    def policy_of(self, actor: MatchingDenoiser) -> MaskedMatchingPolicy:
        return MaskedMatchingPolicy(actor, self.config.unmasking_steps, self.sets)

    def actor_of(self, policy: MaskedMatchingPolicy) -> MatchingDenoiser:
        return policy.denoiser

    def decide(self, actor: MatchingDenoiser, x: Features, key: PRNGKeyArray) -> Decided:
        return _decision(x, self.policy_of(actor).settle(x, actor.condition(x), key))

    def actor_objective(
        self,
        actor: MatchingDenoiser,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """Weighted cross-entropy of masked decisions of the particles."""
        c = self.config
        sample_key, redraw_key, mask_key = jax.random.split(key, 3)
        policy, condition = self.policy_of(actor), actor.condition(seen)
        settled = held(policy).settle(seen, held(condition), sample_key, (c.particles,))
        particles = self.redrawn(_decision(seen, settled), seen, redraw_key)
        there = policy.there(seen)
        advantage = advantages(particles, judge(particles))
        advantage = advantage / (mean_where(jnp.abs(advantage), there) + SMALLEST_GAIN)
        temperature = temperature_for(advantage, there, c.divergence)
        weight = c.particles * jax.nn.softmax(advantage / temperature, axis=0)
        masked = mask(there, advantage.shape, mask_key)
        rows = seen.row_mask.shape[-1]
        known = ~masked
        logits = policy.logits(
            seen, condition, Settled(particles.choice, particles.switch, known[..., :rows], known[..., rows:])
        )
        loss = -_log_likelihood(logits, particles)
        each = jnp.where(masked, weight * loss, 0.0).sum(-1) / jnp.maximum(masked.sum(-1), 1)
        metrics = {
            "temperature": temperature,
            "likelihood_loss": mean_where(loss, masked),
            "advantage": mean_where(weight * advantage, there),
        }
        return each.mean(), metrics


def advantages(particles: Decided, values: Values) -> Float[Array, "n b t"]:
    """What each decision of a particle is worth more than the particles' decisions for the same row or column on average.

    Judged with all other decisions of the same particle.

    Args:
        particles: along the first axis.
        values: of them.
    """
    choice, switch = particles.choice.mean(0), particles.switch.mean(0)
    rows = ((particles.choice - choice) * values.choice).sum(-1)
    return jnp.concatenate([rows, (particles.switch - switch) * (values.on - values.off)], axis=-1)


def temperature_for(advantage: Float[Array, "n b t"], there: Bool[Array, "b t"], divergence: float) -> Float[Array, ""]:
    """Lambda at which the weights softmax(advantage / lambda) over the first axis have that mean divergence from equal ones.

    Within `TEMPERATURES`, at whose lower end fewer differences may leave it smaller.
    """
    count = len(advantage)

    def distance(temperature: Array) -> Array:
        logarithms = jax.nn.log_softmax(advantage / temperature, axis=0)
        return mean_where((jnp.exp(logarithms) * logarithms).sum(0) + jnp.log(count), there)

    def halve(_: Int[Array, ""], bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        more = distance(jnp.exp(middle)) > divergence
        return jnp.where(more, middle, low), jnp.where(more, high, middle)

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, tuple(jnp.log(jnp.asarray(TEMPERATURES))))
    return jnp.exp((low + high) / 2)


def mask(there: Bool[Array, "b t"], shape: tuple[int, ...], key: PRNGKeyArray) -> Bool[Array, "n b t"]:
    """Decisions to fill in: a number of them from 1 to all, drawn uniformly, then which."""
    count_key, order_key = jax.random.split(key)
    total = there.sum(-1)
    count = jnp.floor(jax.random.uniform(count_key, shape[:-1]) * total) + 1
    order = jnp.where(there, jax.random.uniform(order_key, shape), -1.0)
    return first(order, count) & there


def _decision(x: Features, settled: Settled) -> Decided:
    return Decided(settled.choice * x.row_mask[..., None], settled.switch * x.column_mask)


def _log_likelihood(logits: tuple[Array, Array], particles: Decided) -> Float[Array, "n b t"]:
    choice, switch = logits
    rows = (particles.choice * jax.nn.log_softmax(choice)).sum(-1)
    columns = jax.nn.log_sigmoid(jnp.where(particles.switch > 0.5, switch, -switch))
    return jnp.concatenate([rows, columns], axis=-1)
