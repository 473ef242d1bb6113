"""The two-period contract in plain Python, read from the paper line by line; and its optimum by SciPy's SLSQP.

Equation numbers are the paper's. Nothing of the library is used but the numbers of an instance.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from scipy.optimize import minimize

MOST_ROUNDS = 100.0
RATE = math.log(2) * (2 - 8 * 0.02) * 0.02 * 2 / 2  # (1), with L delta


class Case:
    """Numbers of an instance: `values` has the keys of an instance file."""

    def __init__(self, values: dict) -> None:
        self.values = values
        self.n, self.alpha, self.beta = values["servers"], values["alpha"], values["beta"]
        self.p1, self.p2 = np.array(values["p1"]), np.array(values["p2"])
        self.theta1, self.theta2 = np.array(values["theta1"]), np.array(values["theta2"])
        self.k = len(self.p1)
        sigma, frequency = values["unit_cost"], 64e6
        perceive = 1e-23 * 100 * 8e6 * frequency**2  # (2)
        upload = 10 ** ((values["power_dbm"] - 30) / 10) * 8e7 / (values["rate_mbps"] * 1e6)  # (4)
        self.c = sigma * 1e-16 * 120 * frequency**2  # (3), after (6)
        self.e = sigma * (perceive + upload)
        self.integration = sigma * values["integration_energy"]

    def quality(self, rounds: float) -> float:
        return 1 - 2 ** (-rounds * (2 - 8 * 0.02) * 0.02 * 2 / 2)

    def second_rewards(self, rounds: np.ndarray) -> np.ndarray:
        """(35)."""
        rewards = np.zeros_like(rounds)
        for k, i in product(range(self.k), range(self.k)):
            rewards[k, i] = (self.c * rounds[k, 0] + self.e) / self.theta2[0]
            for j in range(1, i + 1):
                rewards[k, i] += self.c * (rounds[k, j] - rounds[k, j - 1]) / self.theta2[j]
        return rewards

    def first_rewards(self, first: np.ndarray, second: np.ndarray, as_printed: bool = False) -> np.ndarray:
        """(40), with the first factor of Phi_j from (B-7) unless as printed."""
        rewards = np.zeros(self.k)
        for i in range(self.k):
            rewards[i] = (self.c * first[0] + self.e) / self.theta1[0]
            for k in range(1, i + 1):
                rewards[i] += (first[k] - first[k - 1]) * self.c / self.theta1[k]
                for j in range(1, self.k):
                    phi = 0.0
                    for m in range(j):
                        factor = self.theta2[j] if as_printed else self.theta2[m]
                        phi += (
                            self.theta2[j] * self.c * (second[k - 1, m] - second[k, m])
                            * (1 / factor - 1 / self.theta2[m + 1])
                        )  # fmt: skip
                    rewards[i] += self.beta / self.theta1[k] * self.p2[k, j] * phi
        return rewards

    def menu(self, rounds: np.ndarray) -> tuple[np.ndarray, ...]:
        """Rounds [K + K^2] to (T1, R1, T2, R2)."""
        first, second = rounds[: self.k], rounds[self.k :].reshape(self.k, self.k)
        return first, self.first_rewards(first, second), second, self.second_rewards(second)

    def profit(self, t1: np.ndarray, r1: np.ndarray, t2: np.ndarray, r2: np.ndarray) -> float:
        """(11) and (12), the second period's types weighted by those of the first."""
        total = -(1 + self.beta) * self.integration
        for k in range(self.k):
            total += self.n * self.p1[k] * (self.alpha * self.quality(t1[k]) - r1[k])
            for j in range(self.k):
                margin = self.alpha * self.quality(t2[k, j]) - r2[k, j]
                total += self.beta * self.n * self.p1[k] * self.p2[k, j] * margin
        return total

    def slacks(self, t1: np.ndarray, r1: np.ndarray, t2: np.ndarray, r2: np.ndarray) -> dict[str, list[float]]:
        """(36), (13), (37), (14): every constraint, pair by pair."""
        types = range(self.k)
        u1 = [[self.theta1[k] * r1[m] - self.c * t1[m] - self.e for m in types] for k in types]
        u2 = [[[self.theta2[j] * r2[k, m] - self.c * t2[k, m] - self.e for m in types] for j in types] for k in types]

        def both(k: int, report: int) -> float:
            return u1[k][report] + self.beta * sum(self.p2[k, j] * u2[report][j][j] for j in types)

        pairs = [(k, m) for k in types for m in types if k != m]
        return {
            "individual_rationality_1": [u1[k][k] for k in types],
            "individual_rationality_2": [u2[k][j][j] for k in types for j in types],
            "intertemporal_compatibility_1": [both(k, k) - both(k, m) for k, m in pairs],
            "incentive_compatibility_2": [u2[k][j][j] - u2[k][j][m] for k in types for j, m in pairs],
        }

    def slack_vector(self, rounds: np.ndarray) -> np.ndarray:
        return np.concatenate([np.array(group) for group in self.slacks(*self.menu(rounds)).values()])

    def optimum(self) -> float:
        """Profit of the best rounds under every constraint with the rewards (35), (40), by SLSQP."""
        size = self.k + self.k**2
        origin = self.slack_vector(np.zeros(size))
        matrix = np.stack([self.slack_vector(unit) for unit in np.eye(size)], axis=1) - origin[:, None]
        kept = np.abs(matrix).max(axis=1) > 1e-9  # (39) makes some of them equalities that always hold
        matrix, origin = matrix[kept] / self.c, origin[kept] / self.c
        at_rest = self.profit(*self.menu(np.zeros(size)))
        linear = np.array([self.profit(*self.menu(unit)) - at_rest for unit in np.eye(size)])
        weights = self.n * self.alpha * np.concatenate([self.p1, (self.beta * self.p1[:, None] * self.p2).ravel()])
        linear -= weights * self.quality(1.0)

        def loss(rounds: np.ndarray) -> tuple[float, np.ndarray]:
            decay = np.exp(-RATE * rounds)
            value = at_rest + linear @ rounds + weights @ (1 - decay)
            return -value / 1000, -(linear + RATE * weights * decay) / 1000

        start = np.tile(np.linspace(20, 40, self.k), self.k + 1)
        result = minimize(
            loss, start, jac=True, method="SLSQP", bounds=[(0, MOST_ROUNDS)] * size,
            constraints={"type": "ineq", "fun": lambda x: matrix @ x + origin, "jac": lambda x: matrix},
            options={"ftol": 1e-13, "maxiter": 1000},
        )  # fmt: skip
        return self.profit(*self.menu(np.clip(result.x, 0, MOST_ROUNDS)))


def draw_values(rng: np.random.Generator, kinds: int = 2, servers: int = 12) -> dict:
    """A random instance of Table I."""
    edges = np.linspace(15, 25, kinds + 1)
    return {
        "servers": max(servers, kinds),
        "alpha": 200.0,
        "beta": 1.0,
        "unit_cost": rng.uniform(0.5, 1),
        "power_dbm": rng.uniform(20, 33),
        "rate_mbps": rng.uniform(1, 3),
        "integration_energy": rng.uniform(20, 25),
        "p1": rng.dirichlet(np.ones(kinds)).tolist(),
        "p2": rng.dirichlet(np.ones(kinds), kinds).tolist(),
        "theta1": rng.uniform(edges[:-1], edges[1:]).tolist(),
        "theta2": rng.uniform(edges[:-1], edges[1:]).tolist(),
    }
