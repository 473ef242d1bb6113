"""The compiled environment against the slow NumPy reading, with the same random numbers, in float64."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.environments.agent_migration import AgentMigration, AgentMigrationConfig, Draws, ResetDraws

sys.path.insert(0, str(Path(__file__).parent))
from reference.agent_migration import Episode, System, efficiency, gain, spectrum

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
            for name, value in info.items():
                np.testing.assert_allclose(timesteps.info[name][e, t], value, rtol=TOLERANCE, atol=1e-9, err_msg=name)
            np.testing.assert_allclose(timesteps.observation[e, t], episode.observation(), rtol=TOLERANCE, atol=1e-9)
            np.testing.assert_allclose(reputation[e, t], episode.B, rtol=TOLERANCE)
            for name in seen:
                seen[name] += info[name]
        assert bool(timesteps.truncated[e, -1])
        assert not timesteps.truncated[e, :-1].any()
        assert not timesteps.terminated[e].any()
    if case == "default":
        assert all(value > 0 for value in seen.values()), seen


def test_derived_quantities_agree() -> None:
    parameters = AgentMigration.build().parameters
    system = System()
    np.testing.assert_allclose(parameters.tolerance, [system.patience(u) for u in range(8)], rtol=1e-12)
    np.testing.assert_allclose(parameters.spectrum_hz, [spectrum(rate) for rate in system.rate], rtol=1e-12)
    np.testing.assert_allclose(parameters.hops, system.hops)
    np.testing.assert_allclose(
        AgentMigration.build(CASES["five vehicles, six RSUs, all attacked"][1]).parameters.hops, SIX.hops
    )
    assert 28e6 < spectrum(200e6) < 29e6
    assert 6.9 < efficiency(500.0) < 7.1
    assert gain(0.0) == gain(10.0)
    np.testing.assert_allclose([system.patience(0) / 2.0, system.patience(7) / 1.7], [8.4, 50.4], rtol=0.01)


def test_one_vehicle_by_hand() -> None:
    """At 500 m the link has its nominal rate: 100 MB up at 200 Mbit/s is 4 s, 10 MB down 0.4 s, 4e8 cycles at 100 MHz 4 s."""
    config = AgentMigrationConfig(
        vehicles=1, rsus=1, link_rate_mbps=200.0, cpu_mhz=100.0, raw_data_mb=100.0, agent_data_mb=50.0, raw_data_spread=0.0,
        rsu_positions_m=((300.0, 800.0),), attacked_rsus=0,
    )  # fmt: skip
    environment = AgentMigration.build(config)
    state = environment.reset_from(ResetDraws(start=jnp.zeros(2), targets=jnp.zeros(1), data=jnp.zeros(1)))
    draws = jax.tree.map(jnp.zeros_like, environment.draw_step(jax.random.key(0)))
    _, timestep = environment.step_from(state, jnp.array([0.0, 0.0, 1.0]), draws)
    expected = {
        "data_upload": 4.0,
        "download": 0.4,
        "processing": 4.0,
        "migration": 0.0,
        "agent_upload": 0.0,
        "defence": 10.0,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(timestep.info[f"latency/{name}"], value, rtol=1e-9)
    np.testing.assert_allclose(timestep.reward, -18.4 / 30, rtol=1e-9)
    without = eqx.tree_at(lambda s: s.copy_present, state, jnp.zeros(1, dtype=bool))
    _, timestep = environment.step_from(without, jnp.array([0.0, 0.0, -1.0]), draws)
    np.testing.assert_allclose(timestep.info["latency/agent_upload"], 2.0, rtol=1e-9)
    np.testing.assert_allclose(timestep.info["latency/deployment"], 2.0, rtol=1e-9)
