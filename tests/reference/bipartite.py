"""The network on pairs written from its equations, pair by pair, in plain NumPy and double precision.

Only rows and columns that exist are given: padding is what the product has to leave out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = 1e-5


def _linear(layer: Any, x: np.ndarray) -> np.ndarray:
    y = np.asarray(layer.weight, float) @ x
    return y if layer.bias is None else y + np.asarray(layer.bias, float)


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0.0)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def encode(
    encoder: Any, rows: np.ndarray, columns: np.ndarray, pairs: np.ndarray, index: np.ndarray | None = None
) -> np.ndarray:
    """Encoded pairs [V, k, width] of rows [V, f], columns [S, g] and pairs [V, k, p], and of the columns of the pairs.

    Without these, every row has a pair with each column, in their order.
    """
    v, s = pairs.shape[:2]
    index = np.tile(np.arange(s), (v, 1)) if index is None else index
    encoded = np.empty((v, s, encoder.width))
    for i in range(v):
        for j in range(s):
            e = _relu(
                _linear(encoder.pair, pairs[i, j])
                + _linear(encoder.row, rows[i])
                + _linear(encoder.column, columns[index[i, j]])
            )
            encoded[i, j] = e + _relu(_linear(encoder.residual, e))
    for exchange in encoder.rounds:
        encoded = _exchange(exchange, encoded, index)
    return encoded


def _exchange(exchange: Any, e: np.ndarray, index: np.ndarray) -> np.ndarray:
    v, s, width = e.shape
    h = np.array([[(x - x.mean()) / np.sqrt(x.var() + SMALL) for x in row] for row in e])
    heads = exchange.choose.weight.shape[0]
    chosen = np.empty((v, s, heads))
    message, weighted = np.empty_like(e), np.empty_like(e)
    for i in range(v):
        scores = np.array([_linear(exchange.choose, h[i, j]) for j in range(s)])
        for head in range(heads):
            chosen[i, :, head] = _softmax(scores[:, head])
        for j in range(s):
            message[i, j] = _linear(exchange.message, h[i, j])
            for c in range(width):
                weighted[i, j, c] = message[i, j, c] * chosen[i, j, c // (width // heads)]
    after = np.empty_like(e)
    for i in range(v):
        for j in range(s):
            met = np.argwhere(index == index[i, j])
            others = sum((weighted[k, place] for k, place in met if k != i), np.zeros(width))
            # What the layers of others and of the column's sum add to: the sum without oneself through the first.
            mean = np.mean([message[k, place] for k, place in met], axis=0)
            column = np.concatenate([others + weighted[i, j], mean])
            row = np.concatenate([weighted[i].sum(0), message[i].max(0)])
            mixed = (
                _linear(exchange.mix_self, h[i, j])
                - _linear(exchange.mix_others, weighted[i, j])
                + _linear(exchange.mix_column, column)
                + _linear(exchange.mix_row, row)
            )
            after[i, j] = e[i, j] + _linear(exchange.out, _relu(mixed))
    return after


def pooled(pairs: np.ndarray, gate: Any) -> np.ndarray:
    """Mean, maximum and gated mean of pairs [n, width]: [3 width]."""
    weight = _sigmoid(np.array([_linear(gate, x)[0] for x in pairs]))
    gated = sum(w * x for w, x in zip(weight, pairs, strict=True)) / (weight.sum() + SMALL)
    return np.concatenate([pairs.mean(0), pairs.max(0), gated])


def logits(
    policy: Any, rows: np.ndarray, columns: np.ndarray, pairs: np.ndarray, index: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the choices [V, k] and of the switches [S] of a `MatchingPolicy`."""
    e = encode(policy.encoder, rows, columns, pairs, index)
    v, s = e.shape[:2]
    index = np.tile(np.arange(s), (v, 1)) if index is None else index
    choice = np.array([[_linear(policy.choice_head, e[i, j])[0] for j in range(s)] for i in range(v)])
    switch = []
    for unit, numbers in enumerate(columns):
        met = np.array([e[i, place] for i, place in np.argwhere(index == unit)]).reshape(-1, e.shape[-1])
        told = pooled(met, policy.switch_gate) if len(met) else np.zeros(3 * e.shape[-1])
        switch.append(_linear(policy.switch_head, np.concatenate([told, numbers]))[0])
    return choice, np.array(switch)


def values(
    critic: Any, rows: np.ndarray, columns: np.ndarray, pairs: np.ndarray, index: np.ndarray | None = None
) -> np.ndarray:
    """Values of the rows [V] of a `RowValue`."""
    e = encode(critic.encoder, rows, columns, pairs, index)
    hidden = [
        _relu(_linear(critic.hidden, np.concatenate([pooled(e[i], critic.gate), rows[i]]))) for i in range(len(rows))
    ]
    return np.array([_linear(critic.head, x)[0] for x in hidden])
