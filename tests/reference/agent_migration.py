"""The agent-migration system in plain NumPy loops, written from the paper and its reading alone (float64, SI units)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

C_LIGHT = 299_792_458.0
LOOPS = [
    (300, 300, 1700, 1700, 1), (200, 200, 1800, 1000, -1), (200, 1000, 1800, 1800, 1), (200, 200, 1000, 1800, -1),
    (1000, 200, 1800, 1800, 1), (500, 500, 1500, 1500, -1), (100, 600, 1900, 1400, 1), (600, 100, 1400, 1900, -1),
]  # fmt: skip
RAW = [100, 171, 243, 314, 386, 457, 529, 600]
AGENT = [314, 529, 100, 457, 243, 600, 171, 386]
PATIENCE = [2.0, 1.7, 1.5, 1.9, 1.4, 1.8, 1.6, 1.7]


@dataclass
class System:
    """All numbers of the default scenario; a test changes what it wants."""

    V: int = 8
    S: int = 4
    T: int = 50
    dt: float = 30.0
    rsu: list[tuple[float, float]] = field(
        default_factory=lambda: [(500.0, 500.0), (1500.0, 500.0), (500.0, 1500.0), (1500.0, 1500.0)]
    )
    reach: float = 1200.0
    rate: list[float] = field(default_factory=lambda: [300e6, 233e6, 167e6, 100e6])
    cpu: list[float] = field(default_factory=lambda: [100e6, 167e6, 233e6, 300e6])
    hops: list[list[int]] = field(default_factory=lambda: [[0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]])
    f_att: float = 0.3
    n_targets: int = 2
    p_off: float = 0.2
    eta: float = 0.6
    p_fail: float = 0.5
    T_ext: float = 10.0
    q_mtd: float = 0.6
    n_recon: int = 1
    omega: float = 1.0
    tau: int = 3

    def raw_mean(self, v: int) -> float:
        return 1e6 * RAW[v % 8]

    def agent(self, v: int) -> float:
        return 1e6 * AGENT[v % 8]

    def patience(self, u: int) -> float:
        mean_rate = sum(self.rate) / self.S
        mean_cpu = sum(self.cpu) / self.S
        d = self.raw_mean(u)
        nominal = 8 * 1.1 * d / mean_rate + 4 * d / (self.S / self.V * mean_cpu)
        return PATIENCE[u % 8] * nominal


def gain(distance: float) -> float:
    return 10 * (C_LIGHT / (4 * math.pi * 5.9e9 * max(distance, 10.0))) ** 2


def efficiency(distance: float) -> float:
    return math.log2(1 + 0.2 * gain(distance) / 1e-12)


def spectrum(nominal_rate: float) -> float:
    return nominal_rate / efficiency(500.0)


def on_loop(v: int, arc: float) -> tuple[float, float]:
    x0, y0, x1, y1, _ = LOOPS[v % 8]
    w, h = x1 - x0, y1 - y0
    q = arc % (2 * (w + h))
    if q <= w:
        return x0 + q, y0
    if q <= w + h:
        return x1, y0 + q - w
    if q <= 2 * w + h:
        return x1 - (q - w - h), y1
    return x0, y1 - (q - 2 * w - h)


class Episode:
    """One episode; `start` and `step` take every random number from outside."""

    def __init__(self, system: System, start: np.ndarray, target_draw: np.ndarray, data_draw: np.ndarray) -> None:
        p = self.p = system
        self.arc = [
            start[v] * 2 * (LOOPS[v % 8][2] - LOOPS[v % 8][0] + LOOPS[v % 8][3] - LOOPS[v % 8][1]) for v in range(p.V)
        ]
        self.speed = [10 + 10 * start[p.V + v] for v in range(p.V)]
        lowest = sorted(range(p.S), key=lambda s: target_draw[s])[: p.n_targets]
        self.target = [s in lowest for s in range(p.S)]
        self.attacked = [False] * p.S
        self.recon = [0] * p.S
        self.pos = np.zeros((p.V, p.S))
        self.neg = np.zeros((p.V, p.S))
        self.window: list[tuple[list[float], list[int]]] = []
        self.B = np.full((p.V, p.S), 0.7)
        self.raw = [p.raw_mean(v) * (0.8 + 0.4 * data_draw[v]) for v in range(p.V)]
        self.serving = [self.nearest(v) for v in range(p.V)]
        self.copy = [True] * p.V
        self.t = 0

    def where(self, v: int) -> tuple[float, float]:
        return on_loop(v, self.arc[v])

    def distance(self, v: int, s: int) -> float:
        return math.dist(self.where(v), self.p.rsu[s])

    def nearest(self, v: int) -> int:
        return min(range(self.p.S), key=lambda s: self.distance(v, s))

    def load(self) -> list[float]:
        p = self.p
        loads = [0.0] * p.S
        for v in range(p.V):
            s = self.serving[v]
            volume = self.raw[v] + (0.0 if self.copy[v] else p.agent(v))
            loads[s] += 4 * volume / (p.cpu[s] * p.dt)
        return loads

    def observation(self) -> np.ndarray:
        out: list[float] = []
        for v in range(self.p.V):
            x, y = self.where(v)
            out += [x / 1000 - 1, y / 1000 - 1]
        for v in range(self.p.V):
            out += [1.0 if self.serving[v] == s else 0.0 for s in range(self.p.S)]
        out += [min(max(load, 0.0), 4.0) / 2 - 0.5 for load in self.load()]
        for u in range(self.p.V):
            out += [2 * self.B[u, s] - 1 for s in range(self.p.S)]
        return np.array(out)

    def step(self, x: np.ndarray, draws: dict[str, np.ndarray]) -> tuple[float, dict[str, float]]:
        p = self.p
        goal = [max(range(p.S), key=lambda s: x[v * p.S + s]) for v in range(p.V)]
        weight = [math.exp(x[p.V * p.S + v]) for v in range(p.V)]
        alpha = [
            weight[v] / sum(weight[j] for j in range(p.V) if self.serving[j] == self.serving[v]) for v in range(p.V)
        ]
        beta = [x[p.V * p.S + p.V + s] > 0 for s in range(p.S)]
        success = [beta[s] and draws["defence"][s] < p.q_mtd for s in range(p.S)]
        hit = [self.attacked[s] and not success[s] for s in range(p.S)]
        ok = [1 - p.eta if hit[s] else 1.0 for s in range(p.S)]

        names = ("agent_upload", "deployment", "data_upload", "processing", "migration", "download", "defence")
        terms = dict.fromkeys(names, 0.0)
        total = []
        for v in range(p.V):
            s, k = self.serving[v], goal[v]
            rate = ok[s] * spectrum(p.rate[s]) * efficiency(self.distance(v, s))
            missing = 0.0 if self.copy[v] else 1.0
            speed = alpha[v] * p.cpu[s] * ok[s]
            t_pro = 4 * self.raw[v] / speed
            t_mig = 0.0 if k == s else p.hops[s][k] * 8 * p.agent(v) / (400e6 * min(ok[s], ok[k]))
            one = {
                "agent_upload": missing * 8 * p.agent(v) / rate,
                "deployment": missing * 4 * p.agent(v) / speed,
                "data_upload": 8 * self.raw[v] / rate,
                "processing": t_pro,
                "migration": max(t_pro, t_mig) - t_pro,
                "download": 8 * 0.1 * self.raw[v] / rate,
                "defence": p.T_ext if beta[s] else 0.0,
            }
            total.append(sum(one.values()))
            for name in names:
                terms[name] += one[name]

        violations = sum(self.B[v, goal[v]] < 0.6 for v in range(p.V))
        overload = p.dt * sum(max(0.0, load - 1.0) for load in self.load())
        reward = -(sum(total) + 10 * violations + overload) / (p.V * p.dt)
        info = {f"latency/{name}": value for name, value in terms.items()} | {
            "latency": sum(total),
            "violations": float(violations),
            "trust_penalty": 10.0 * violations,
            "overload_s": overload,
            "overload_penalty": overload,
            "migrations": float(sum(goal[v] != self.serving[v] for v in range(p.V))),
            "missing_copies": float(sum(not c for c in self.copy)),
            "defences": float(sum(beta)),
            "attacked": float(sum(hit)),
        }

        self._trust(total, hit, draws["packets"])
        lost = []
        for v in range(p.V):
            s, k = self.serving[v], goal[v]
            lost.append(k != s and (hit[s] or hit[k]) and draws["copy"][v] < p.p_fail)
        info["lost_copies"] = float(sum(lost))
        for v in range(p.V):
            z = min(max(draws["speed"][v], -2.0), 2.0)
            self.arc[v] += LOOPS[v % 8][4] * self.speed[v] * (1 + 0.1 * z) * p.dt
        for v in range(p.V):
            if self.distance(v, goal[v]) > p.reach:
                self.serving[v], self.copy[v] = self.nearest(v), False
            else:
                self.serving[v], self.copy[v] = goal[v], not lost[v]
        for s in range(p.S):
            if success[s]:
                self.attacked[s], self.recon[s] = False, p.n_recon
                continue
            before = self.recon[s]
            self.recon[s] = max(0, before - 1)
            if hit[s]:
                self.attacked[s] = bool(draws["attack_end"][s] >= p.p_off)
            else:
                self.attacked[s] = bool(self.target[s] and before == 0 and draws["attack_start"][s] < p.f_att)
        self.raw = [p.raw_mean(v) * (0.8 + 0.4 * draws["data"][v]) for v in range(p.V)]
        self.t += 1
        return reward, info

    def _trust(self, total: list[float], hit: list[bool], packets: np.ndarray) -> None:
        p = self.p
        self.pos *= p.omega
        self.neg *= p.omega
        for u in range(p.V):
            if total[u] <= p.patience(u):
                self.pos[u, self.serving[u]] += 1
            else:
                self.neg[u, self.serving[u]] += 1
        counts = [sum(self.serving[v] == s for v in range(p.V)) for s in range(p.S)]
        sums = [sum(total[v] for v in range(p.V) if self.serving[v] == s) for s in range(p.S)]
        self.window = [*self.window, (sums, counts)][-p.tau :]
        for s in range(p.S):
            n = 50 + 100 * counts[s]
            loss = 0.7 if hit[s] else 0.02
            ratios = []
            for direction in range(2):
                failed = np.round(n * loss + math.sqrt(n * loss * (1 - loss)) * packets[direction, s])
                failed = min(max(failed, 0), n)
                ratios.append(((n - failed) - failed) / n)
            reliable = 0.5 * ratios[0] + 0.5 * ratios[1]
            visits = sum(c[s] for _, c in self.window)
            mean = sum(x[s] for x, _ in self.window) / visits if visits else None
            for u in range(p.V):
                attitude = (1.4 + self.pos[u, s]) / (2.0 + self.pos[u, s] + self.neg[u, s])
                p_other = sum(self.pos[w, s] for w in range(p.V) if w != u)
                q_other = sum(self.neg[w, s] for w in range(p.V) if w != u)
                norm = (1.4 + p_other) / (2.0 + p_other + q_other)
                m = 0.5 if mean is None else max(0.0, 1 - mean / p.patience(u))
                control = 0.5 * reliable + 0.5 * m
                latest = (attitude + norm + control) / 3
                self.B[u, s] = 0.7 * latest + 0.3 * self.B[u, s]
