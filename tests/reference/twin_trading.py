"""The bandwidth market read from the paper and the spec with loops over players; NumPy and SciPy's general optimiser."""

from __future__ import annotations

from math import log2

import numpy as np
from scipy.optimize import minimize


def pairing(prices):
    total = sum(1 / p for p in prices)
    return [1 / p / total for p in prices]


def follower_utility(m, i, prices, b):
    total = 0.0
    for j, theta in enumerate(pairing(prices)):
        inner = m["satisfaction"][i] * b[i][j] - m["sensitivity"][i] * b[i][j] ** 2
        for k in range(len(b)):
            if k != i:
                inner += m["social"][i][k] * b[i][j] * b[k][j]
        total += theta * (inner - m["payment_scale"] * prices[j] * b[i][j])
    return total


def leader_utility(m, j, prices, b):
    theta = pairing(prices)[j]
    return m["leader_scale"] * sum(theta * (b[i][j] * prices[j] - b[i][j] * m["cost"][j]) for i in range(len(b)))


def delay(m, i, j, bandwidth):
    d = m["delay"]
    transmission = d["data_bits"][i] / (d["rate_per_bandwidth"] * bandwidth)
    mu, lam = d["service_rate"][j], d["arrival_rate"][j]
    return transmission + lam / (mu * (mu - lam)) + d["cycles"][i] / d["cpu_hz"][j]


def expected_delay(m, i, prices, b):
    return sum(theta * delay(m, i, j, b[i][j]) for j, theta in enumerate(pairing(prices)))


def rate(power_dbm, gain_db, distance_m, exponent, noise_dbm):
    watt = 10 ** (power_dbm / 10) / 1000
    noise = 10 ** (noise_dbm / 10) / 1000
    return 1e7 * log2(1 + watt * 10 ** (gain_db / 10) * distance_m**-exponent / noise)


def potential(m, prices, b):
    """The function whose maximum is the followers' equilibrium: W symmetric, pairing common to all."""
    total = 0.0
    for j, theta in enumerate(pairing(prices)):
        for i in range(len(b)):
            total += theta * (m["satisfaction"][i] - m["payment_scale"] * prices[j]) * b[i][j]
            total -= theta * m["sensitivity"][i] * b[i][j] ** 2
            total += theta * sum(m["social"][i][k] * b[i][j] * b[k][j] for k in range(len(b)) if k != i) / 2
    return total


def followers(m, prices):
    """Equilibrium demands as the maximum of the potential, by a general optimiser."""
    n, leaders = len(m["satisfaction"]), len(prices)
    alpha, beta, w = (np.array(m[name], float) for name in ("satisfaction", "sensitivity", "social"))
    theta = np.array(pairing(prices))

    def loss(x):
        return -potential(m, prices, x.reshape(n, leaders))

    def slope(x):
        b = x.reshape(n, leaders)
        return -(
            theta * (alpha[:, None] - 2 * beta[:, None] * b + w @ b - m["payment_scale"] * np.array(prices))
        ).ravel()

    limits = []
    if "delay" in m:
        for i in range(n):
            limits.append(
                {
                    "type": "ineq",
                    "fun": lambda x, i=i: (
                        m["delay"]["deadline_s"][i]
                        - expected_delay(m, i, prices, np.maximum(x, 1e-9).reshape(n, leaders))
                    ),
                }
            )
    found = minimize(
        loss,
        np.full(n * leaders, 0.6),
        jac=slope,
        bounds=[(0.0, 20.0)] * (n * leaders),
        constraints=limits,
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert found.status in (0, 8), found.message  # 8: no further descent within rounding
    return found.x.reshape(n, leaders)
