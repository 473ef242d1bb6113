"""A masked diffusion policy over sets: it begins with nothing decided and settles the decisions it is surest of first.

Masked discrete diffusion (Austin et al., 2021, with an absorbing state; Chang et al., 2022, for the order).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.diffusion.matching_denoiser import Draft, MatchingDenoiser
from edgewise.networks.bipartite import EMPTY, Features
from edgewise.policies.matching import Sets, pack

SURE = 10.0
"""Logit of a settled choice among the provisional ones, of which the others are near 0."""


class Settled(eqx.Module):
    """Decisions of which some are not made yet.

    Attributes:
        choice: 1 for the pairs of a row and its column; [*batch, V, S].
        switch: 1 for columns that are on; [*batch, S].
        rows, columns: whose decision is made; [*batch, V], [*batch, S].
    """

    choice: Float[Array, "*b v s"]
    switch: Float[Array, "*b s"]
    rows: Bool[Array, "*b v"]
    columns: Bool[Array, "*b s"]

    @property
    def draft(self) -> Draft:
        """What the network sees: decisions that are made, and which they are."""
        choice, switch = self.choice * self.rows[..., None], self.switch * self.columns
        made = jnp.broadcast_to(self.rows[..., None], choice.shape).astype(float)
        columns = jnp.stack([switch, self.columns.astype(float)], axis=-1)
        return Draft(SURE * choice, jnp.stack([choice, made], axis=-1), columns)


class MaskedMatchingPolicy(eqx.Module):
    """Decides in a few steps; in each the network sees what is settled, and the surest of the open decisions are settled.

    Attributes:
        denoiser: the network.
        steps: how many.
        sets: names.
    """

    denoiser: MatchingDenoiser
    steps: int = eqx.field(static=True)
    sets: Sets = eqx.field(static=True)
    any_size: ClassVar[bool] = True

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and names, for `blank`."""
        return {**self.denoiser.architecture, "steps": self.steps, "sets": self.sets._asdict()}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> MaskedMatchingPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        denoiser = MatchingDenoiser.blank(architecture)
        return MaskedMatchingPolicy(denoiser, architecture["steps"], Sets(**architecture["sets"]))

    def __call__(self, observation: Mapping[str, Any], key: PRNGKeyArray | None) -> dict[str, Array]:
        """Sampled decisions, or without a key the most probable ones, step by step."""
        x = pack(observation, self.sets)
        settled = self.settle(x, self.denoiser.condition(x), key)
        action = {self.sets.choice: jnp.argmax(settled.choice, axis=-1)}
        return action if self.sets.switch is None else {**action, self.sets.switch: settled.switch > 0.5}

    def logits(
        self, x: Features, condition: Float[Array, "*b v s w"], settled: Settled
    ) -> tuple[Float[Array, "*d v s"], Float[Array, "*d s"]]:
        """Logits of every row's choice, `EMPTY` where no column is, and of every column's switch."""
        choice, switch = self.denoiser.denoise(condition, x, settled.draft)
        return jnp.where(x.column_mask[..., None, :], self.sets.advised(choice, x), EMPTY), switch

    def settle(
        self,
        x: Features,
        condition: Float[Array, "*b v s w"],
        key: PRNGKeyArray | None,
        particles: tuple[int, ...] = (),
    ) -> Settled:
        """All decisions.

        Args:
            x: the observation.
            condition: the same, encoded.
            key: randomness. If None, the most probable decisions are settled.
            particles: axes in front, of independent samples.
        """
        there = self.there(x)
        shape = (*particles, *condition.shape[:-1])
        start = Settled(
            jnp.zeros(shape),
            jnp.zeros((*shape[:-2], shape[-1])),
            jnp.zeros(shape[:-1], bool),
            jnp.zeros((*shape[:-2], shape[-1]), bool),
        )

        def step(settled: Settled, now: tuple[Array, Array]) -> tuple[Settled, None]:
            number, key_now = now
            logits = self.logits(x, condition, settled)
            choice, switch = _drawn(logits, None if key is None else key_now)
            made = jnp.concatenate([settled.rows, settled.columns], axis=-1)
            order = jnp.where(there & ~made, _sureness(logits), -jnp.inf)
            due = jnp.ceil(there.sum(-1) * number / self.steps) - (made & there).sum(-1)
            new = first(order, due) & there & ~made
            rows, columns = new[..., : shape[-2]], new[..., shape[-2] :]
            return (
                Settled(
                    jnp.where(rows[..., None], choice, settled.choice),
                    jnp.where(columns, switch, settled.switch),
                    settled.rows | rows,
                    settled.columns | columns,
                ),
                None,
            )

        keys = jax.random.split(jax.random.key(0) if key is None else key, self.steps)
        settled, _ = jax.lax.scan(step, start, (jnp.arange(1, self.steps + 1), keys))
        return settled

    def there(self, x: Features) -> Bool[Array, "*b t"]:
        """Which decisions are to be made: those of rows, then those of columns."""
        return jnp.concatenate([x.row_mask, x.column_mask & (self.sets.switch is not None)], axis=-1)


def first(order: Float[Array, "*b n"], count: Array) -> Bool[Array, "*b n"]:
    """Flags of the `count` largest numbers of each row."""
    rank = jnp.argsort(jnp.argsort(-order, axis=-1), axis=-1)
    return rank < count[..., None]


def _drawn(logits: tuple[Array, Array], key: PRNGKeyArray | None) -> tuple[Array, Array]:
    choice, switch = logits
    if key is None:
        return jax.nn.one_hot(jnp.argmax(choice, axis=-1), choice.shape[-1]), (switch > 0).astype(float)
    choice_key, switch_key = jax.random.split(key)
    on = jax.random.bernoulli(switch_key, jax.nn.sigmoid(switch))
    return jax.nn.one_hot(jax.random.categorical(choice_key, choice), choice.shape[-1]), on.astype(float)


def _sureness(logits: tuple[Array, Array]) -> Array:
    """Logarithm of the largest probability of each decision, by which samples do not prefer what is likely."""
    choice, switch = logits
    return jnp.concatenate([jax.nn.log_softmax(choice).max(-1), jax.nn.log_sigmoid(jnp.abs(switch))], axis=-1)
