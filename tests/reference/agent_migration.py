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
    """All numbers of the default scenario, in the paper's symbols and SI units; a test changes what it wants."""

    V: int = 8
    S: int = 4
    T: int = 50
    dt: float = 30.0
    origin: tuple[float, float] = (0.0, 0.0)
    side: float = 2000.0
    rsu: list[tuple[float, float]] = field(
        default_factory=lambda: [(500.0, 500.0), (1500.0, 500.0), (500.0, 1500.0), (1500.0, 1500.0)]
    )
    reach: float = 1200.0
    slowest: float = 10.0
    fastest: float = 20.0
    speed_spread: float = 0.1
    f: float = 5.9e9
    Gamma: float = 10.0
    d_min: float = 10.0
    d_ref: float = 500.0
    h: float = 0.2
    p: float = 0.2
    noise: float = 1e-12
    rate: list[float] = field(default_factory=lambda: [300e6, 233e6, 167e6, 100e6])
    cpu: list[float] = field(default_factory=lambda: [100e6, 167e6, 233e6, 300e6])
    d: float = 4.0
    raw: list[float] = field(default_factory=lambda: [1e6 * x for x in RAW])
    raw_spread: float = 0.2
    agent: list[float] = field(default_factory=lambda: [1e6 * x for x in AGENT])
    com: float = 1.0
    res: float = 0.1
    wire: float = 400e6
    hops: list[list[int]] = field(default_factory=lambda: [[0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]])
    L_max: float = 1.0
    f_att: float = 0.3
    n_targets: int = 2
    p_off: float = 0.2
    eta: float = 0.6
    p_fail: float = 0.5
    T_ext: float = 10.0
    q_mtd: float = 0.6
    n_recon: int = 1
    alpha_prior: float = 1.4
    beta_prior: float = 0.6
    omega: float = 1.0
    lam: float = 0.5
    sigma: float = 0.5
    zeta: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    xi: float = 0.7
    tau: int = 3
    B_init: float = 0.7
    B_thre: float = 0.6
    patience: list[float] = field(default_factory=lambda: PATIENCE)
    beacons: float = 50.0
    packets: float = 100.0
    loss: float = 0.02
    loss_attacked: float = 0.7
    kappa: float = 1.0
    w_rep: float = 10.0
    w_load: float = 1.0

    def T_max(self, u: int) -> float:
        """Personal multiple of 8 (1 + res) D / mean(b) + d_s com D / ((S / V) mean(C))."""
        mean_rate, mean_cpu = sum(self.rate) / self.S, sum(self.cpu) / self.S
        volume = self.raw[u]
        sent = 8 * (1 + self.res) * volume / mean_rate
        computed = self.d * self.com * volume / (self.S / self.V * mean_cpu)
        return self.patience[u] * (sent + computed)

    def gain(self, distance: float) -> float:
        """(1)."""
        return self.Gamma * (C_LIGHT / (4 * math.pi * self.f * max(distance, self.d_min))) ** 2

    def up_efficiency(self, distance: float) -> float:
        return math.log2(1 + self.h * self.gain(distance) / self.noise)

    def down_efficiency(self, distance: float) -> float:
        return math.log2(1 + self.p * self.gain(distance) / self.noise)

    def spectrum(self, s: int) -> float:
        """The B_s with which (2) gives the nominal rate at the reference distance."""
        return self.rate[s] / self.up_efficiency(self.d_ref)

    def loop(self, v: int) -> tuple[float, float, float, float, int]:
        x0, y0, x1, y1, direction = LOOPS[v % 8]
        scale, (ox, oy) = self.side / 2000, self.origin
        return ox + x0 * scale, oy + y0 * scale, ox + x1 * scale, oy + y1 * scale, direction

    def perimeter(self, v: int) -> float:
        x0, y0, x1, y1, _ = self.loop(v)
        return 2 * (x1 - x0) + 2 * (y1 - y0)

    def on_loop(self, v: int, arc: float) -> tuple[float, float]:
        """Bottom, right, top, left side, from the lower left corner."""
        x0, y0, x1, y1, _ = self.loop(v)
        w, h = x1 - x0, y1 - y0
        q = arc % (2 * (w + h))
        if q <= w:
            return x0 + q, y0
        if q <= w + h:
            return x1, y0 + q - w
        if q <= 2 * w + h:
            return x1 - (q - w - h), y1
        return x0, y1 - (q - 2 * w - h)


def beta_mean(alpha: float, beta: float, positive: float, negative: float) -> float:
    """(12), (14)."""
    return (alpha + positive) / (alpha + beta + positive + negative)


def delivery(sent: float, loss: float, z: float) -> float:
    """(15), with the normal approximation of the number of failures."""
    failed = float(np.round(sent * loss + math.sqrt(sent * loss * (1 - loss)) * z))
    failed = min(max(failed, 0.0), sent)
    return ((sent - failed) - failed) / sent


def migration_efficiency(latencies: list[float], t_max: float) -> float:
    """(17) and (18) from the latencies of the vehicle-slots in the window."""
    if not latencies:
        return 0.5
    return max(0.0, 1 - sum(latencies) / len(latencies) / t_max)


def attack_after(
    system: System, *, target: bool, hit: bool, recon: int, success: bool, u_off: float, u_on: float
) -> tuple[bool, int]:
    """Attack flag and reconnaissance counter of one RSU in the next slot."""
    if success:
        return False, system.n_recon
    left = max(0, recon - 1)
    if hit:
        return u_off >= system.p_off, left
    return target and recon == 0 and u_on < system.f_att, left


def read_action(system: System, x: np.ndarray, serving: list[int]) -> tuple[list[int], list[float], list[bool]]:
    """Target of each vehicle, share of each vehicle, defence of each RSU."""
    V, S = system.V, system.S
    goal = [max(range(S), key=lambda s: x[v * S + s]) for v in range(V)]
    weight = [math.exp(system.kappa * x[V * S + v]) for v in range(V)]
    alpha = [weight[v] / sum(weight[j] for j in range(V) if serving[j] == serving[v]) for v in range(V)]
    return goal, alpha, [bool(x[V * S + V + s] > 0) for s in range(S)]


class Episode:
    """One episode; the start and `step` take every random number from outside."""

    def __init__(self, system: System, start: np.ndarray, target_draw: np.ndarray, data_draw: np.ndarray) -> None:
        p = self.p = system
        self.arc = [start[v] * p.perimeter(v) for v in range(p.V)]
        self.speed = [p.slowest + (p.fastest - p.slowest) * start[p.V + v] for v in range(p.V)]
        lowest = sorted(range(p.S), key=lambda s: target_draw[s])[: p.n_targets]
        self.target = [s in lowest for s in range(p.S)]
        self.attacked = [False] * p.S
        self.recon = [0] * p.S
        self.pos = np.zeros((p.V, p.S))
        self.neg = np.zeros((p.V, p.S))
        self.window: list[list[tuple[int, float]]] = []
        self.B = np.full((p.V, p.S), p.B_init)
        self.draw_data(data_draw)
        self.serving = [self.nearest(v) for v in range(p.V)]
        self.copy = [True] * p.V
        self.t = 0

    def draw_data(self, u: np.ndarray) -> None:
        p = self.p
        self.raw = [p.raw[v] * (1 - p.raw_spread + 2 * p.raw_spread * u[v]) for v in range(p.V)]

    def where(self, v: int) -> tuple[float, float]:
        return self.p.on_loop(v, self.arc[v])

    def distance(self, v: int, s: int) -> float:
        return math.dist(self.where(v), self.p.rsu[s])

    def nearest(self, v: int) -> int:
        return min(range(self.p.S), key=lambda s: self.distance(v, s))

    def load(self) -> list[float]:
        p = self.p
        loads = [0.0] * p.S
        for v in range(p.V):
            s = self.serving[v]
            volume = p.com * self.raw[v] + (0.0 if self.copy[v] else p.agent[v])
            loads[s] += p.d * volume / (p.cpu[s] * p.dt)
        return loads

    def observation(self) -> np.ndarray:
        p = self.p
        out: list[float] = []
        for v in range(p.V):
            for place, corner in zip(self.where(v), p.origin, strict=True):
                out.append((place - corner) / (p.side / 2) - 1)
        for v in range(p.V):
            out += [1.0 if self.serving[v] == s else 0.0 for s in range(p.S)]
        out += [min(max(load, 0.0), 4.0) / 2 - 0.5 for load in self.load()]
        for u in range(p.V):
            out += [2 * self.B[u, s] - 1 for s in range(p.S)]
        return np.array(out)

    def rates(self, v: int, s: int, ok: float) -> tuple[float, float]:
        """(2): uplink and downlink."""
        p, far = self.p, self.distance(v, s)
        return ok * p.spectrum(s) * p.up_efficiency(far), ok * p.spectrum(s) * p.down_efficiency(far)

    def latency(self, v: int, k: int, alpha: float, defended: bool, ok: list[float]) -> dict[str, float]:
        """What vehicle v pays in this slot when its agent migrates to k: (3) to (9), term by term."""
        p, s = self.p, self.serving[v]
        up, down = self.rates(v, s, ok[s])
        t_uc = 8 * p.agent[v] / up
        t_dep = p.d * p.agent[v] / (alpha * p.cpu[s] * ok[s])
        t_um = 8 * self.raw[v] / up
        t_pro = p.d * p.com * self.raw[v] / (alpha * p.cpu[s] * ok[s])
        t_down = 8 * p.res * self.raw[v] / down
        t_mig = 0.0 if k == s else p.hops[s][k] * 8 * p.agent[v] / (p.wire * min(ok[s], ok[k]))
        eps = 1 if self.copy[v] else 0
        paid = {
            "agent_upload": (1 - eps) * t_uc,
            "deployment": (1 - eps) * t_dep,
            "data_upload": t_um,
            "processing": t_pro,
            "migration": max(t_pro, t_mig) - t_pro,
            "download": t_down,
            "defence": p.T_ext if defended else 0.0,
        }
        whole = (1 - eps) * (t_uc + t_dep) + t_um + t_down + max(t_pro, t_mig) + (p.T_ext if defended else 0.0)
        assert math.isclose(sum(paid.values()), whole, rel_tol=1e-12)
        return paid

    def step(self, x: np.ndarray, draws: dict[str, np.ndarray]) -> tuple[float, dict[str, float]]:
        p = self.p
        goal, alpha, beta = read_action(p, x, self.serving)
        success = [beta[s] and draws["defence"][s] < p.q_mtd for s in range(p.S)]
        hit = [self.attacked[s] and not success[s] for s in range(p.S)]
        ok = [1 - p.eta if hit[s] else 1.0 for s in range(p.S)]

        each = [self.latency(v, goal[v], alpha[v], beta[self.serving[v]], ok) for v in range(p.V)]
        total = [sum(terms.values()) for terms in each]
        violations = sum(self.B[v, goal[v]] < p.B_thre for v in range(p.V))
        overload = p.dt * sum(max(0.0, load - p.L_max) for load in self.load())
        reward = -(sum(total) + p.w_rep * violations + p.w_load * overload) / (p.V * p.dt)
        info = {f"latency/{name}": sum(terms[name] for terms in each) for name in each[0]} | {
            "latency": sum(total),
            "violations": float(violations),
            "trust_penalty": p.w_rep * violations,
            "overload_s": overload,
            "overload_penalty": p.w_load * overload,
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
            self.arc[v] += p.loop(v)[4] * self.speed[v] * (1 + p.speed_spread * z) * p.dt
        for v in range(p.V):
            if self.distance(v, goal[v]) > p.reach:
                self.serving[v], self.copy[v] = self.nearest(v), False
            else:
                self.serving[v], self.copy[v] = goal[v], not lost[v]
        for s in range(p.S):
            self.attacked[s], self.recon[s] = attack_after(
                p, target=self.target[s], hit=hit[s], recon=self.recon[s], success=success[s],
                u_off=draws["attack_end"][s], u_on=draws["attack_start"][s],
            )  # fmt: skip
        self.draw_data(draws["data"])
        self.t += 1
        return reward, info

    def _trust(self, total: list[float], hit: list[bool], z: np.ndarray) -> None:
        p = self.p
        self.pos *= p.omega
        self.neg *= p.omega
        for u in range(p.V):
            if total[u] <= p.T_max(u):
                self.pos[u, self.serving[u]] += 1
            else:
                self.neg[u, self.serving[u]] += 1
        self.window = [*self.window, list(zip(self.serving, total, strict=True))][-p.tau :]
        for s in range(p.S):
            sent = p.beacons + p.packets * sum(self.serving[v] == s for v in range(p.V))
            loss = p.loss_attacked if hit[s] else p.loss
            reliable = p.lam * delivery(sent, loss, z[0, s]) + (1 - p.lam) * delivery(sent, loss, z[1, s])  # (16)
            recent = [latency for slot in self.window for where, latency in slot if where == s]
            for u in range(p.V):
                rest = [w for w in range(p.V) if w != u]
                attitude = beta_mean(p.alpha_prior, p.beta_prior, self.pos[u, s], self.neg[u, s])
                norm = beta_mean(p.alpha_prior, p.beta_prior, sum(self.pos[rest, s]), sum(self.neg[rest, s]))
                control = p.sigma * reliable + (1 - p.sigma) * migration_efficiency(recent, p.T_max(u))  # (19)
                latest = p.zeta[0] * attitude + p.zeta[1] * norm + p.zeta[2] * control  # (20)
                self.B[u, s] = p.xi * latest + (1 - p.xi) * self.B[u, s]  # (21)
