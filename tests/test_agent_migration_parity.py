"""The compiled environment against the slow NumPy reading, with the same random numbers, in float64."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.systems.agent_migration import attack, trust
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.sampling import Draws, ResetDraws, draw_step
from reference import agent_migration as plain
from reference.agent_migration import Episode, System

TOLERANCE = 1e-5
THIRDS = [
    (1000 / 3, 500.0),
    (1000.0, 500.0),
    (5000 / 3, 500.0),
    (1000 / 3, 1500.0),
    (1000.0, 1500.0),
    (5000 / 3, 1500.0),
]
SIX = System(
    V=5, S=6, T=20, rsu=THIRDS, reach=1000.0, n_targets=6, f_att=0.8, p_off=0.1, omega=0.9, tau=2, n_recon=3,
    rate=[1e6 * x for x in (300, 260, 220, 180, 140, 100)], cpu=[1e6 * x for x in (100, 140, 180, 220, 260, 300)],
    hops=[[abs(a % 3 - b % 3) + abs(a // 3 - b // 3) for b in range(6)] for a in range(6)],
)  # fmt: skip
ONE = System(
    V=3, S=1, T=20, rsu=[(1000.0, 1000.0)], rate=[300e6], cpu=[100e6], hops=[[0]], n_targets=1, T_ext=0.0, eta=0.3,
    p_fail=1.0, q_mtd=1.0,
)  # fmt: skip
# no number at its default and no two of a kind alike, so that each is seen to be used, and in its own place
ODD = System(
    V=4, S=3, T=30, dt=20.0, origin=(-500.0, 300.0), side=3000.0, rsu=[(0.0, 800.0), (1600.0, 900.0), (700.0, 2600.0)],
    reach=1700.0, slowest=5.0, fastest=30.0, speed_spread=0.3, f=3.5e9, Gamma=4.0, d_min=400.0, d_ref=650.0, h=0.1, p=0.9,
    noise=3e-12, rate=[250e6, 150e6, 90e6], cpu=[90e6, 260e6, 140e6], d=3.0, raw=[80e6, 300e6, 150e6, 220e6],
    raw_spread=0.5, agent=[900e6, 200e6, 350e6, 500e6], com=1.3, res=0.25, wire=120e6, hops=[[0, 1, 2], [1, 0, 1], [2, 1, 0]],
    L_max=0.2, f_att=0.5, n_targets=1, p_off=0.3, eta=0.45, p_fail=0.7, T_ext=6.0, q_mtd=0.4, n_recon=2, alpha_prior=2.5,
    beta_prior=0.9, omega=0.85, lam=0.2, sigma=0.8, zeta=(0.5, 0.2, 0.3), xi=0.35, tau=4, B_init=0.9, B_thre=0.75,
    patience=[2.5, 1.1, 1.9, 3.0], beacons=30.0, packets=40.0, loss=0.1, loss_attacked=0.5, kappa=0.6, w_rep=7.0, w_load=2.5,
)  # fmt: skip
CASES = {
    "default": (System(), AgentMigrationConfig(), 200),
    "five vehicles, six RSUs, all attacked": (
        SIX,
        AgentMigrationConfig(
            vehicles=5, rsus=6, slots=20, coverage_m=1000.0, attacked_rsus=6, attack_frequency=0.8,
            attack_end_probability=0.1, forgetting=0.9, trust_window=2, reconnaissance_slots=3,
        ),
        10,
    ),
    "three vehicles, one RSU": (
        ONE,
        AgentMigrationConfig(
            vehicles=3, rsus=1, slots=20, attacked_rsus=1, defence_seconds=0.0, attack_severity=0.3,
            copy_loss_probability=1.0, defence_success=1.0,
        ),
        10,
    ),
    "nothing at its default": (
        ODD,
        AgentMigrationConfig(
            vehicles=4, rsus=3, slots=30, slot_seconds=20.0, origin_m=(-500.0, 300.0), area_m=3000.0,
            rsu_positions_m=((0.0, 800.0), (1600.0, 900.0), (700.0, 2600.0)), coverage_m=1700.0, carrier_ghz=3.5,
            antenna_gain=4.0, minimum_distance_m=400.0, reference_distance_m=650.0, vehicle_power_w=0.1, rsu_power_w=0.9,
            noise_w=3e-12, link_rate_mbps=(250.0, 150.0, 90.0), cpu_mhz=(90.0, 260.0, 140.0), cycles_per_byte=3.0,
            raw_data_mb=(80.0, 300.0, 150.0, 220.0), raw_data_spread=0.5, agent_data_mb=(900.0, 200.0, 350.0, 500.0),
            computed_share=1.3, result_share=0.25, backhaul_mbps=120.0, max_load=0.2, attack_frequency=0.5,
            attacked_rsus=1, attack_end_probability=0.3, attack_severity=0.45, copy_loss_probability=0.7,
            defence_seconds=6.0, defence_success=0.4, reconnaissance_slots=2, prior_positive=2.5, prior_negative=0.9,
            forgetting=0.85, reception_weight=0.2, reliability_weight=0.8, trust_weights=(0.5, 0.2, 0.3), trust_rate=0.35,
            trust_window=4, initial_reputation=0.9, reputation_threshold=0.75, tolerance=(2.5, 1.1, 1.9, 3.0),
            beacon_packets=30.0, vehicle_packets=40.0, packet_loss=0.1, attacked_packet_loss=0.5, share_sharpness=0.6,
            trust_penalty_s=7.0, overload_penalty=2.5, speed_range_m_s=(5.0, 30.0), speed_spread=0.3,
        ),
        20,
    ),
}  # fmt: skip
UNUSED = {
    "mobility", "mobility_sha256", "observe_reputation", "training_share", "scheduled_attacks",
    "observation", "candidates", "view", "unseen", "rewards",
    "instances", "shapes", "instances_per_shape", "instance_seed", "include_default",
}  # fmt: skip


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def random_numbers(
    system: System, episodes: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    draw = np.random.default_rng(seed)
    n, t, v, s = episodes, system.T, system.V, system.S
    reset = {"start": draw.random((n, 2 * v)), "targets": draw.random((n, s)), "data": draw.random((n, v))}
    step = {name: draw.random((n, t, s)) for name in ("defence", "attack_end", "attack_start")}
    step |= {name: draw.random((n, t, v)) for name in ("copy", "data")}
    step |= {"packets": draw.standard_normal((n, t, 2, s)), "speed": draw.standard_normal((n, t, v))}
    action = draw.uniform(-1, 1, (n, t, v * s + v + s))
    # hold on to a target for a while now and then, so that copies survive and reputations differ
    held = draw.random((n, 1, v * s)) * 2 - 1
    action[..., : v * s] = np.where(draw.random((n, t, 1)) < 0.5, held, action[..., : v * s])
    return reset, step, action


@eqx.filter_jit
def play(environment: AgentMigration, reset: Any, draws: Any, actions: jax.Array) -> Any:
    def one(reset: Any, draws: Any, actions: jax.Array) -> Any:
        state = environment.reset_from(ResetDraws(**reset))

        def advance(state: Any, inputs: Any) -> Any:
            state, timestep = environment.step_from(state, inputs[0], Draws(**inputs[1]))
            return state, (timestep, state.reputation)

        _, (timesteps, reputation) = jax.lax.scan(advance, state, (actions, draws))
        return environment.observe(state), timesteps, reputation

    return jax.vmap(one)(reset, draws, actions)


@pytest.mark.parametrize("case", CASES)
def test_whole_episodes_agree(case: str) -> None:
    system, config, episodes = CASES[case]
    reset, step, actions = random_numbers(system, episodes, seed=7)
    environment = AgentMigration.build(config)
    played = play(environment, *jax.tree.map(jnp.asarray, (reset, step, actions)))
    first, timesteps, reputation = jax.tree.map(np.asarray, played)
    assert reputation.dtype == np.float64
    seen = dict.fromkeys(("lost_copies", "attacked", "violations", "overload_s", "latency/migration"), 0.0)
    for e in range(episodes):
        episode = Episode(system, reset["start"][e], reset["targets"][e], reset["data"][e])
        np.testing.assert_allclose(first[e], episode.observation(), rtol=TOLERANCE, atol=1e-9)
        for t in range(system.T):
            reward, info = episode.step(actions[e, t], {name: value[e, t] for name, value in step.items()})
            np.testing.assert_allclose(timesteps.reward[e, t], reward, rtol=TOLERANCE)
            assert set(info) == set(timesteps.info)
            names = list(info)
            np.testing.assert_allclose(
                [timesteps.info[name][e, t] for name in names],
                [info[name] for name in names],
                rtol=TOLERANCE, atol=1e-9, err_msg=str(names),
            )  # fmt: skip
            np.testing.assert_allclose(timesteps.observation[e, t], episode.observation(), rtol=TOLERANCE, atol=1e-9)
            np.testing.assert_allclose(reputation[e, t], episode.B, rtol=TOLERANCE)
            for name in seen:
                seen[name] += info[name]
        assert bool(timesteps.truncated[e, -1])
        assert not timesteps.truncated[e, :-1].any()
        assert not timesteps.terminated[e].any()
    if case in ("default", "nothing at its default"):
        assert all(value > 0 for value in seen.values()), seen


def test_the_odd_case_leaves_no_field_at_its_default() -> None:
    default, odd = AgentMigrationConfig(), CASES["nothing at its default"][1]
    same = {name for name in vars(default) if getattr(default, name) == getattr(odd, name)}
    assert same == UNUSED


@pytest.mark.parametrize("case", ["default", "nothing at its default"])
def test_derived_quantities_agree(case: str) -> None:
    system, config, _ = CASES[case]
    parameters = AgentMigration.build(config).parameters
    np.testing.assert_allclose(parameters.tolerance, [system.T_max(u) for u in range(system.V)], rtol=1e-12)
    np.testing.assert_allclose(parameters.spectrum_hz, [system.spectrum(s) for s in range(system.S)], rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_wired_hops_agree(case: str) -> None:
    system, config, _ = CASES[case]
    np.testing.assert_array_equal(AgentMigration.build(config).parameters.hops, system.hops)


def test_figures_of_the_reading() -> None:
    """28.4 MHz for 200 Mbit/s at 7.04 bit/s/Hz; nominal latencies of 8.4 s to 50.4 s."""
    parameters = AgentMigration.build(AgentMigrationConfig(link_rate_mbps=200.0)).parameters
    np.testing.assert_allclose(parameters.spectrum_hz, 28.4e6, rtol=2e-3)
    np.testing.assert_allclose(200e6 / parameters.spectrum_hz, 7.04, rtol=1e-3)
    tolerance = AgentMigration.build().parameters.tolerance
    np.testing.assert_allclose([tolerance[0] / 2.0, tolerance[7] / 1.7], [8.4, 50.4], rtol=1e-3)


@pytest.mark.parametrize("case", ["default", "nothing at its default"])
def test_rates_and_latency_terms_of_each_vehicle_agree(case: str) -> None:
    """Equations (1) to (9), with random places, attachments, copies, decisions and attacks."""
    system, config, _ = CASES[case]
    n, v, s = 40, system.V, system.S
    environment = AgentMigration.build(config)
    reset, _, _ = random_numbers(system, n, seed=11)
    draw = np.random.default_rng(12)
    serving, target = draw.integers(0, s, (2, n, v))
    copy, hit, defence = draw.random((n, v)) < 0.5, draw.random((n, s)) < 0.5, draw.random((n, s)) < 0.5
    share = draw.uniform(0.05, 1, (n, v))

    def slot(reset: Any, serving: Any, target: Any, copy: Any, hit: Any, defence: Any, share: Any) -> Any:
        state = environment.reset_from(ResetDraws(**reset))
        state = eqx.tree_at(lambda x: (x.serving, x.copy_present), state, (serving, copy))
        health = 1 - environment.parameters.attack_severity * hit
        return environment.rates(state, health), environment.latency(state, Decision(target, share, defence), hit)

    inputs = jax.tree.map(jnp.asarray, (reset, serving, target, copy, hit, defence, share))
    (up, down), latency = jax.jit(jax.vmap(slot))(*inputs)
    for i in range(n):
        episode = Episode(system, reset["start"][i], reset["targets"][i], reset["data"][i])
        episode.serving, episode.copy = serving[i].tolist(), copy[i].tolist()
        ok = [1 - system.eta if under else 1.0 for under in hit[i]]
        for u in range(v):
            for r in range(s):
                pair = episode.rates(u, r, ok[r])
                np.testing.assert_allclose((up[i, u, r], down[i, u, r]), pair, rtol=TOLERANCE)
            terms = episode.latency(u, target[i, u], share[i, u], defence[i, serving[i, u]], ok)
            for name, value in terms.items():
                np.testing.assert_allclose(getattr(latency, name)[i, u], value, rtol=TOLERANCE, atol=1e-9, err_msg=name)


def test_trust_factors_agree() -> None:
    """Equations (10) to (21), each on random numbers."""
    draw = np.random.default_rng(5)
    v, s = 6, 4
    positive, negative, old = (
        draw.integers(0, 30, (v, s)) * 1.0,
        draw.integers(0, 30, (v, s)) * 1.0,
        draw.random((v, s)),
    )
    p, q, b = map(jnp.asarray, (positive, negative, old))
    alpha, beta = jnp.asarray(2.5), jnp.asarray(0.9)
    attitude = trust.posterior_mean(p, q, alpha, beta)
    norm = trust.posterior_mean(trust.others(p), trust.others(q), alpha, beta)

    sent, z = 50 + 100.0 * draw.integers(0, 8, s), draw.standard_normal((2, s)) * 3
    loss = np.array([0.02, 0.7, 0.7, 0.02])
    ratios = [
        trust.delivery_ratio(jnp.asarray(sent), trust.failed_packets(jnp.asarray(sent), jnp.asarray(loss), jnp.asarray(x)))
        for x in z
    ]  # fmt: skip
    reliable = trust.reliability(ratios[0], ratios[1], jnp.asarray(0.2))

    times = [[12.0, 30.0], [80.0], [], [5.0, 9.0, 100.0]]
    t_max = draw.uniform(20, 90, v)
    efficiency = trust.efficiency(
        jnp.asarray([sum(x) for x in times]), jnp.asarray([len(x) * 1.0 for x in times]), jnp.asarray(t_max)
    )
    control = trust.perceived_control(reliable, efficiency, jnp.asarray(0.8))
    latest = trust.intention(attitude, norm, control, jnp.asarray([0.5, 0.2, 0.3]))
    new = trust.smooth(latest, b, jnp.asarray(0.35))

    for u, r in itertools.product(range(v), range(s)):
        rest = [w for w in range(v) if w != u]
        a = plain.beta_mean(2.5, 0.9, positive[u, r], negative[u, r])
        n = plain.beta_mean(2.5, 0.9, sum(positive[w, r] for w in rest), sum(negative[w, r] for w in rest))
        d, f = (plain.delivery(sent[r], loss[r], x) for x in z[:, r])
        m = plain.migration_efficiency(times[r], t_max[u])
        c = 0.8 * (0.2 * d + 0.8 * f) + 0.2 * m
        now = 0.5 * a + 0.2 * n + 0.3 * c
        got = [x[u, r] for x in (attitude, norm, efficiency, control, latest, new)]
        np.testing.assert_allclose(got, [a, n, m, c, now, 0.35 * now + 0.65 * old[u, r]], rtol=TOLERANCE)
        np.testing.assert_allclose([ratios[0][r], ratios[1][r]], [d, f], rtol=TOLERANCE)


def test_counts_grow_by_one_evaluation_and_all_are_forgotten() -> None:
    counts = jnp.asarray([[4.0, 2.0], [0.0, 8.0]])
    served = jnp.asarray([[0.0, 1.0], [1.0, 0.0]])
    after = trust.evaluate(counts, jnp.asarray(0.5), jnp.asarray([1.0, 0.0]), served)
    np.testing.assert_allclose(after, [[2.0, 2.0], [0.0, 4.0]])


def test_lost_packets_are_rounded_half_to_even_and_bounded() -> None:
    sent, loss = jnp.asarray([5.0, 7.0, 50.0, 50.0]), jnp.asarray([0.5, 0.5, 0.7, 0.7])
    failed = trust.failed_packets(sent, loss, jnp.asarray([0.0, 0.0, 99.0, -99.0]))
    np.testing.assert_array_equal(failed, [2, 4, 50, 0])


def test_attack_process_agrees_in_every_situation() -> None:
    """All flags, counters and draws on either side of their thresholds (and on them)."""
    for n_recon in (0, 1, 3):
        system = System(n_recon=n_recon)
        grid = [
            (False, True),
            (False, True),
            (0, 1, 2),
            (False, True),
            (0.0, 0.2, 0.9),
            (0.0, 0.3, 0.9),
            (0.1, 0.6, 0.9),
        ]
        rows = list(itertools.product(*grid))
        attacked, target, recon, runs, u_off, u_on, u_mtd = (jnp.asarray(x) for x in zip(*rows, strict=True))
        success = attack.defend(runs, jnp.asarray(system.q_mtd), u_mtd)
        after, left = attack.advance(
            attacked & ~success, recon, target, success,
            start_probability=jnp.asarray(system.f_att), end_probability=jnp.asarray(system.p_off),
            reconnaissance_slots=jnp.asarray(n_recon), start_draw=u_on, end_draw=u_off,
        )  # fmt: skip
        for i, (was, aim, counter, defends, off, on, mtd) in enumerate(rows):
            works = defends and mtd < system.q_mtd
            expected = plain.attack_after(
                system, target=aim, hit=was and not works, recon=counter, success=works, u_off=off, u_on=on
            )
            assert (bool(after[i]), int(left[i])) == expected, rows[i]


@pytest.fixture(scope="module")
def nominal() -> AgentMigration:
    """One vehicle 500 m from one RSU."""
    with jax.enable_x64(True):
        return AgentMigration.build(
            AgentMigrationConfig(
                vehicles=1, rsus=1, link_rate_mbps=200.0, cpu_mhz=100.0, raw_data_mb=100.0, agent_data_mb=50.0,
                raw_data_spread=0.0, rsu_positions_m=((300.0, 800.0),), attacked_rsus=0,
            )
        )  # fmt: skip


class TestByHand:
    """One vehicle 500 m from one RSU, where the link has its nominal rate.

    100 MB up at 200 Mbit/s take 4 s, 10 MB down 0.4 s, 4e8 cycles at 100 MHz 4 s: 8.4 s, half of the 16.8 s it tolerates.
    """

    @staticmethod
    @eqx.filter_jit
    def step(environment: AgentMigration, defence: jax.Array, copy: jax.Array, attacked: jax.Array) -> Any:
        draws = jax.tree.map(jnp.zeros_like, draw_step(jax.random.key(0), 1, 1))
        draws = eqx.tree_at(lambda x: x.defence, draws, jnp.ones(1))
        reset = ResetDraws(start=jnp.zeros(2), targets=jnp.zeros(1), data=jnp.zeros(1))
        state = environment.reset_from(reset)
        state = eqx.tree_at(lambda x: (x.copy_present, x.attacked), state, (copy, attacked))
        return environment.step_from(state, jnp.stack([0.0 * defence, 0.0 * defence, defence]), draws)

    def run(self, environment: AgentMigration, *, defence: float, copy: bool, attacked: bool) -> Any:
        state, timestep = self.step(environment, jnp.asarray(defence), jnp.asarray([copy]), jnp.asarray([attacked]))
        terms = {
            name.removeprefix("latency/"): float(value)
            for name, value in timestep.info.items()
            if name.startswith("latency/") and value > 0
        }
        return terms, float(timestep.reward), float(state.reputation[0, 0])

    def test_quiet_slot(self, nominal: AgentMigration) -> None:
        terms, reward, reputation = self.run(nominal, defence=-1.0, copy=True, attacked=False)
        assert terms == pytest.approx({"data_upload": 4.0, "download": 0.4, "processing": 4.0})
        assert reward == pytest.approx(-8.4 / 30)
        # A = 2.4 / 3, S = 1.4 / 2; 3 of 150 packets are lost: R = 0.96; M = 1 - 8.4 / 16.8; P = 0.73
        assert reputation == pytest.approx(0.7 * (0.8 + 0.7 + 0.73) / 3 + 0.3 * 0.7)

    def test_missing_copy(self, nominal: AgentMigration) -> None:
        terms, reward, _ = self.run(nominal, defence=-1.0, copy=False, attacked=False)
        assert terms["agent_upload"] == pytest.approx(2.0)
        assert terms["deployment"] == pytest.approx(2.0)
        assert reward == pytest.approx(-12.4 / 30)

    def test_defence_that_fails_costs_its_delay(self, nominal: AgentMigration) -> None:
        terms, reward, reputation = self.run(nominal, defence=0.1, copy=True, attacked=False)
        assert terms["defence"] == pytest.approx(10.0)
        assert reward == pytest.approx(-18.4 / 30)
        # 18.4 s are more than 16.8 s: A = 1.4 / 3, M = 0, P = 0.48
        assert reputation == pytest.approx(0.7 * (1.4 / 3 + 0.7 + 0.48) / 3 + 0.3 * 0.7)

    def test_attack(self, nominal: AgentMigration) -> None:
        terms, reward, reputation = self.run(nominal, defence=-1.0, copy=True, attacked=True)
        assert terms == pytest.approx({"data_upload": 10.0, "download": 1.0, "processing": 10.0})
        assert reward == pytest.approx(-21 / 30)
        # A = 1.4 / 3; 105 of 150 packets are lost: R = -0.4; M = 0; P = -0.2
        assert reputation == pytest.approx(0.7 * (1.4 / 3 + 0.7 - 0.2) / 3 + 0.3 * 0.7)

    def test_overload(self, nominal: AgentMigration) -> None:
        """1000 MB ask for 4e9 of a slot's 3e9 cycles: 10 s too many."""
        heavy = eqx.tree_at(lambda e: e.parameters.raw_data, nominal, jnp.asarray([1e9]))
        _, reward, _ = self.run(heavy, defence=-1.0, copy=True, attacked=False)
        assert reward == pytest.approx(-(84 + 10) / 30)


def test_diagonal_migration_by_hand() -> None:
    """300 MB over two hops of 400 Mbit/s are 12 s, in parallel with 4 s of processing; an attack on the goal makes 30 s."""
    config = AgentMigrationConfig(vehicles=1, raw_data_mb=100.0, agent_data_mb=300.0, raw_data_spread=0.0)
    environment = AgentMigration.build(config)
    state = environment.reset_from(ResetDraws(start=jnp.zeros(2), targets=jnp.zeros(4), data=jnp.zeros(1)))
    assert int(state.serving[0]) == 0
    decision = Decision(jnp.asarray([3]), jnp.ones(1), jnp.zeros(4, dtype=bool))
    for hit, extra in (([False] * 4, 8.0), ([False, False, False, True], 26.0)):
        latency = environment.latency(state, decision, jnp.asarray(hit))
        np.testing.assert_allclose((latency.processing[0], latency.migration[0]), (4.0, extra), rtol=1e-12)
