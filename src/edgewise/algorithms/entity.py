"""What learners over sets have in common: sizes of spaces, and the values of rows."""

from __future__ import annotations

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.bipartite import ADVICE, COLUMN, PAIRS, Bipartite, matching_fields
from edgewise.environments.spaces import MASK, Space, Spaces, parts
from edgewise.networks.bipartite import BipartiteEncoder, Features, dense, pool_columns
from edgewise.policies.matching import Sets

Credit = Literal["decomposed", "team"]


class RowValue(eqx.Module):
    """The value of every row.

    Attributes:
        encoder: the network on pairs.
        gate, head: from the encoded pairs of a row, and its own numbers, to its value.
    """

    encoder: BipartiteEncoder
    gate: eqx.nn.Linear
    hidden: eqx.nn.Linear
    head: eqx.nn.Linear

    def __init__(self, sizes: tuple[int, ...], width: int, rounds: int, key: PRNGKeyArray) -> None:
        """Args: numbers of a row, a column and a pair; width and rounds of the encoder; a key for the weights."""
        encoder_key, gate_key, hidden_key, head_key = jax.random.split(key, 4)
        self.encoder = BipartiteEncoder(sizes, width, rounds, encoder_key)
        self.gate = eqx.nn.Linear(width, 1, key=gate_key)
        self.hidden = eqx.nn.Linear(3 * width + sizes[0], width, key=hidden_key)
        self.head = eqx.nn.Linear(width, 1, key=head_key)

    def __call__(self, x: Features) -> Float[Array, "*b v"]:
        """Values."""
        pairs = self.encoder(x)
        pooled = pool_columns(pairs, dense(self.gate, pairs), x.column_mask, x.index)
        hidden = jax.nn.relu(dense(self.hidden, jnp.concatenate([pooled, x.rows], axis=-1)))
        return dense(self.head, hidden)[..., 0]


def matching_sets(spaces: Spaces) -> Sets:
    """Names of the sets of a bipartite observation, and of the fields of an action on it.

    Raises:
        ConfigurationError: if the spaces are no such ones.
    """
    observation, action = spaces.observation, spaces.action
    if not isinstance(observation, Bipartite):
        raise ConfigurationError("observation_space", str(observation), "a Bipartite space")
    only = "a Dict with one field of Choices, and at most one of Flags beside it"
    try:
        choice, switch = matching_fields(action)
    except ValueError:
        raise ConfigurationError("action_space", str(action), only) from None
    if len(parts(action)) != 1 + (switch is not None):
        raise ConfigurationError("action_space", str(action), only)
    numbers = [name for name in sorted(observation.of_entities(PAIRS).fields) if name not in (MASK, COLUMN)]
    advice = numbers.index(ADVICE) if ADVICE in numbers else None
    return Sets(observation.rows, observation.columns, choice, switch, advice)


def matching_sizes(spaces: Spaces) -> tuple[int, int, int]:
    """Numbers of a row, a column and a pair of an observation."""
    observation = spaces.observation
    assert isinstance(observation, Bipartite)
    rows, columns, pairs = (observation.fields[name] for name in (observation.rows, observation.columns, PAIRS))
    return _numbers(rows), _numbers(columns), _numbers(pairs)


def privileged_sizes(spaces: Spaces) -> tuple[int, int, int]:
    """The same of what only a critic sees."""
    observation, privileged = spaces.observation, spaces.privileged
    assert isinstance(observation, Bipartite)
    if privileged is None:
        return 0, 0, 0
    fields = parts(privileged)
    rows, columns, pairs = (fields.get(name) for name in (observation.rows, observation.columns, PAIRS))
    return _numbers(rows), _numbers(columns), _numbers(pairs)


def _numbers(space: Space | None) -> int:
    return 0 if space is None else len([name for name in parts(space) if name not in (MASK, COLUMN)])


def held(tree: Any) -> Any:
    """The same numbers, constant under differentiation."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, tree)
