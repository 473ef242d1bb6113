"""A diffusion policy over the scores of pairs: it denoises a choice for every row, and a switch for every column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.diffusion.chain import add_noise, posterior_mean, run_chain
from edgewise.diffusion.matching_denoiser import Draft, MatchingDenoiser
from edgewise.diffusion.schedule import Schedule, make_schedule
from edgewise.networks.bipartite import EMPTY, Features
from edgewise.policies.matching import Sets, pack

SHARPNESS = 4.0
"""Logit of a score of 1, so that of two columns with the scores 1 and -1 the first has 3,000 times the probability."""


class MatchingDiffusionPolicy(eqx.Module):
    """Scores x [V + 1, S] in [-1, 1] from noise: a row's decision is its highest score, a switch (the last row) is on above 0.

    The clean scores of a decision are 1 at the chosen columns and those that are on, and -1 elsewhere.

    Attributes:
        denoiser: the network; it gives the clean scores, bounded by tanh.
        schedule: noise levels.
        sets: names.
    """

    denoiser: MatchingDenoiser
    schedule: Schedule
    sets: Sets = eqx.field(static=True)
    any_size: ClassVar[bool] = True

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and names, for `blank`."""
        return {**self.denoiser.architecture, "denoising_steps": self.schedule.steps, "sets": self.sets._asdict()}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> MatchingDiffusionPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        schedule = make_schedule("vp", architecture["denoising_steps"])
        return MatchingDiffusionPolicy(MatchingDenoiser.blank(architecture), schedule, Sets(**architecture["sets"]))

    def __call__(self, observation: Mapping[str, Any], key: PRNGKeyArray | None) -> dict[str, Array]:
        """The decision of denoised scores; without a key the deterministic one, from no noise."""
        x = pack(observation, self.sets)
        scores = self.scores(x, self.denoiser.condition(x), key)
        choice = jnp.where(x.column_mask[..., None, :], scores[..., :-1, :], -jnp.inf)
        action = {self.sets.choice: jnp.argmax(choice, axis=-1)}
        return (
            action
            if self.sets.switch is None
            else {**action, self.sets.switch: (scores[..., -1, :] > 0) & x.column_mask}
        )

    def scores(
        self, x: Features, condition: Float[Array, "*b v s w"], key: PRNGKeyArray | None
    ) -> Float[Array, "*b n s"]:
        """x_0 of the reverse chain.

        Args:
            x: the observation.
            condition: the same, encoded.
            key: randomness. If None, x_K = 0 and the means are followed.
        """
        *batch, rows, columns = condition.shape[:-1]
        shape = (self.schedule.steps, *batch, rows + 1, columns)
        noise = jnp.zeros(shape, condition.dtype) if key is None else jax.random.normal(key, shape, condition.dtype)

        def clean(noisy: Array, step: int) -> Array:
            return self.clean(x, condition, noisy, jnp.full((), step))

        return run_chain(clean, self.schedule, posterior_mean, noise)[-1]

    def clean(
        self, x: Features, condition: Float[Array, "*b v s w"], noisy: Float[Array, "*b n s"], step: Array
    ) -> Float[Array, "*b n s"]:
        """Predicted clean scores of noisy ones at a step."""
        scores = self.denoiser.denoise(condition, x, draft_of(noisy), step)
        choice = self.sets.advised(scores[0], x)
        return jnp.tanh(jnp.concatenate([choice, scores[1][..., None, :]], axis=-2))


def draft_of(scores: Float[Array, "*b n s"]) -> Draft:
    """Noisy scores as a draft: the scores, and the probabilities that they amount to."""
    logits = SHARPNESS * scores[..., :-1, :]
    pairs = jnp.stack([scores[..., :-1, :], jax.nn.softmax(logits)], axis=-1)
    columns = jnp.stack([scores[..., -1, :], switch_probability(scores)], axis=-1)
    return Draft(logits, pairs, columns)


def choice_logits(x: Features, scores: Float[Array, "*b n s"]) -> Float[Array, "*b v s"]:
    """SHARPNESS times the scores of choices; `EMPTY` where no column is."""
    return jnp.where(x.column_mask[..., None, :], SHARPNESS * scores[..., :-1, :], EMPTY)


def choice_probability(x: Features, scores: Float[Array, "*b n s"]) -> Float[Array, "*b v s"]:
    """A smooth form of the choices: the softmax of SHARPNESS times the scores."""
    return jax.nn.softmax(choice_logits(x, scores))


def switch_probability(scores: Float[Array, "*b n s"]) -> Float[Array, "*b s"]:
    """A smooth form of the switches: the sigmoid of their logits."""
    return jax.nn.sigmoid(switch_logits(scores))


def switch_logits(scores: Float[Array, "*b n s"]) -> Float[Array, "*b s"]:
    """On and off as two choices, with SHARPNESS times the score and its negative."""
    return 2 * SHARPNESS * scores[..., -1, :]


def decision_consistency(
    policy: MatchingDiffusionPolicy,
    x: Features,
    condition: Float[Array, "b v s w"],
    clean: Float[Array, "b n s"],
    key: PRNGKeyArray,
) -> Float[Array, " b"]:
    """Denoising-consistency loss of clean scores: equation (33) of the CGDM paper, the mean over what is there.

    Each sample gets one step k ~ U{1..K} and one noise. The error of the noise follows from that of the predicted clean scores,
    x_k = sqrt(abar_k) x_0 + sqrt(1 - abar_k) eps.
    """
    step_key, noise_key = jax.random.split(key)
    step = jax.random.randint(step_key, clean.shape[:-2], 1, policy.schedule.steps + 1)
    noise = jax.random.normal(noise_key, clean.shape, clean.dtype)
    flat = add_noise(policy.schedule, *(_flat(each) if each is not step else each for each in (clean, step, noise)))
    level = policy.schedule.alpha_bar[step - 1]
    error = (policy.clean(x, condition, flat.reshape(clean.shape), step) - clean) ** 2
    there = jnp.concatenate(
        [x.row_mask, jnp.full((*x.row_mask.shape[:-1], 1), policy.sets.switch is not None)], axis=-1
    )
    counted = there[..., None] & x.column_mask[..., None, :]
    total = jnp.where(counted, error, 0.0).sum((-1, -2)) / jnp.maximum(counted.sum((-1, -2)), 1)
    return level / (1 - level) * total


def _flat(x: Float[Array, "*b n s"]) -> Float[Array, "*b f"]:
    return x.reshape(*x.shape[:-2], -1)
