"""What must hold in the agent-migration system whatever the numbers are, and what its configuration refuses."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.common.errors import ConfigurationError
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.sampling import draw_step

V, S, SLOTS = 8, 4, 50
EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31 - 1)
TERMS = ("agent_upload", "deployment", "data_upload", "processing", "migration", "download", "defence")


@pytest.fixture(scope="module")
def environment() -> AgentMigration:
    return built(AgentMigrationConfig())


def with_parameters(environment: AgentMigration, **values: Any) -> AgentMigration:
    """The environment with other numbers of the same shapes, so that nothing is compiled again."""
    old = {name: getattr(environment.parameters, name) for name in values}
    new = {name: jnp.asarray(value, old[name].dtype) for name, value in values.items()}
    assert all(new[name].shape == old[name].shape for name in values)
    return eqx.tree_at(lambda e: [getattr(e.parameters, n) for n in values], environment, list(new.values()))


def built(config: AgentMigrationConfig) -> AgentMigration:
    """Leaves typed as `with_parameters` types them: one compilation serves all."""
    counts = {name: getattr(config, name) for name in ("attacked_rsus", "reconnaissance_slots")}
    return with_parameters(AgentMigration.build(config), **counts)


@eqx.filter_jit
def rollout(environment: AgentMigration, key: jax.Array) -> Any:
    """An episode of random decisions: first observation, then states before, actions, states after, time steps."""
    reset, steps = jax.random.split(key)

    def slot(state: Any, key: jax.Array) -> Any:
        act, advance = jax.random.split(key)
        action = environment.action_space.sample(act)
        following, timestep = environment.step(advance, state, action)
        return following, (state, action, following, timestep)

    state, observation = environment.reset(reset)
    return observation, jax.lax.scan(slot, state, jax.random.split(steps, SLOTS))[1]


@eqx.filter_jit
def latency_of_a_slot(environment: AgentMigration, key: jax.Array, data_factor: jax.Array, calm: jax.Array) -> Any:
    """Latency of 50 random slots: any places, attachments, copies, decisions and attacks; `calm` calls the attacks off."""

    def one(key: jax.Array) -> Any:
        start, serving, copy, target, share, defence, hit = jax.random.split(key, 7)
        state, _ = environment.reset(start)
        attached = jax.random.randint(serving, (V,), 0, S), jax.random.bernoulli(copy, shape=(V,))
        state = eqx.tree_at(lambda s: (s.serving, s.copy_present), state, attached)
        state = eqx.tree_at(lambda s: s.data, state, state.data * data_factor)
        decision = Decision(
            jax.random.randint(target, (V,), 0, S),
            jax.random.uniform(share, (V,), minval=0.05),
            jax.random.bernoulli(defence, shape=(S,)),
        )
        return environment.latency(state, decision, jax.random.bernoulli(hit, shape=(S,)) & ~calm)

    latency = jax.vmap(one)(jax.random.split(key, 50))
    return {name: getattr(latency, name) for name in TERMS} | {"total": latency.total}


def slots(environment: AgentMigration, seed: int, *, data_factor: float = 1.0, calm: bool = False) -> Any:
    values = latency_of_a_slot(environment, jax.random.key(seed), jnp.float32(data_factor), jnp.asarray(calm))
    return {name: np.asarray(value) for name, value in values.items()}


class TestLatency:
    @EXAMPLES
    @given(SEEDS)
    def test_the_total_is_positive_and_no_less_than_any_term(self, environment, seed):
        latency = slots(environment, seed)
        assert (latency["total"] > 0).all()
        for name in TERMS:
            assert (latency[name] >= 0).all(), name
            assert (latency["total"] >= latency[name]).all(), name
        np.testing.assert_allclose(latency["total"], sum(latency[name] for name in TERMS), rtol=1e-5)
        for name in ("data_upload", "processing", "download"):
            assert (latency[name] > 0).all(), name

    @EXAMPLES
    @given(SEEDS, st.floats(1.05, 10))
    def test_bandwidth_shortens_what_goes_by_radio_and_nothing_else(self, environment, seed, factor):
        wide = with_parameters(environment, spectrum_hz=environment.parameters.spectrum_hz * factor)
        before, after = slots(environment, seed), slots(wide, seed)
        assert (after["total"] < before["total"]).all()
        for name in TERMS:
            radio = name in {"agent_upload", "data_upload", "download"}
            np.testing.assert_allclose(after[name] * (factor if radio else 1), before[name], rtol=1e-5)

    @EXAMPLES
    @given(SEEDS, st.floats(1.05, 10))
    def test_processors_shorten_processing_and_deployment(self, environment, seed, factor):
        fast = with_parameters(environment, cpu_hz=environment.parameters.cpu_hz * factor)
        before, after = slots(environment, seed), slots(fast, seed)
        for name in ("processing", "deployment"):
            np.testing.assert_allclose(after[name] * factor, before[name], rtol=1e-5)
        assert (after["total"] <= before["total"] * (1 + 1e-6)).all()
        free = before["migration"] == 0
        shorter = free & (after["migration"] == 0)
        assert (after["total"] < before["total"])[shorter].all()

    @EXAMPLES
    @given(SEEDS, st.floats(1.05, 10))
    def test_data_lengthens_latency(self, environment, seed, factor):
        before, after = slots(environment, seed), slots(environment, seed, data_factor=factor)
        assert (after["total"] > before["total"]).all()

    @EXAMPLES
    @given(SEEDS, st.floats(1.05, 10))
    def test_agent_size_never_shortens_and_lengthens_where_it_moves_alone_or_is_missing(
        self, environment, seed, factor
    ):
        large = with_parameters(environment, agent_data=environment.parameters.agent_data * factor)
        before, after = slots(environment, seed), slots(large, seed)
        assert (after["total"] >= before["total"] * (1 - 1e-6)).all()
        felt = (before["agent_upload"] > 0) | (before["migration"] > 0)
        assert felt.any()
        assert (after["total"] > before["total"])[felt].all()

    @EXAMPLES
    @given(SEEDS)
    def test_an_attack_never_shortens(self, environment, seed):
        under, calm = slots(environment, seed), slots(environment, seed, calm=True)
        assert (under["total"] >= calm["total"] * (1 - 1e-6)).all()
        assert (under["total"] > 2 * calm["total"]).any()


@eqx.filter_jit
def attacked_slots(environment: AgentMigration, actions: jax.Array) -> jax.Array:
    """Number of RSUs whose attack takes effect in each slot, under given actions."""

    def slot(state: Any, inputs: Any) -> Any:
        key, action = inputs
        state, timestep = environment.step(key, state, action)
        return state, timestep.info["attacked"]

    state, _ = environment.reset(jax.random.key(0))
    return jax.lax.scan(slot, state, (jax.random.split(jax.random.key(1), len(actions)), actions))[1]


PROBABILITY = st.floats(0, 1)
ANY_NUMBERS = st.fixed_dictionaries(
    {
        "attack_frequency": PROBABILITY,
        "attacked_rsus": st.integers(0, S),
        "attack_end_probability": PROBABILITY,
        "attack_severity": st.floats(0, 0.99),
        "copy_loss_probability": PROBABILITY,
        "defence_seconds": st.floats(0, 100),
        "defence_success": PROBABILITY,
        "reconnaissance_slots": st.integers(0, 4),
        "prior_positive": st.floats(0.01, 10),
        "prior_negative": st.floats(0.01, 10),
        "forgetting": st.floats(0.01, 1),
        "reception_weight": PROBABILITY,
        "reliability_weight": PROBABILITY,
        "trust_weights": st.sampled_from([(1 / 3, 1 / 3, 1 / 3), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.3, 0.5)]),
        "trust_rate": PROBABILITY,
        "initial_reputation": PROBABILITY,
        "beacon_packets": st.floats(1, 100),
        "packet_loss": PROBABILITY,
        "attacked_packet_loss": PROBABILITY,
        "coverage": st.floats(1, 3000),
        "share_sharpness": st.floats(0.1, 3),
        "trust_penalty_s": st.floats(0, 100),
        "overload_penalty": st.floats(0, 10),
    }
)


class TestEpisodes:
    @EXAMPLES
    @given(SEEDS, ANY_NUMBERS)
    def test_an_episode_under_any_numbers(self, environment, seed, values):
        """Reputations in [-1, 1], observations in their space, the reward the sum of its terms, one evaluation a slot."""
        changed = with_parameters(environment, **values)
        first, (before, _, after, timestep) = rollout(changed, jax.random.key(seed))
        reputation = np.asarray(after.reputation)
        assert (np.abs(reputation) <= 1 + 1e-6).all()
        space = environment.observation_space
        seen = np.concatenate([np.asarray(first)[None], np.asarray(timestep.observation)])
        assert ((seen >= space.low) & (seen <= space.high)).all()
        info = timestep.info
        terms = info["latency"] + info["trust_penalty"] + info["overload_penalty"]
        np.testing.assert_allclose(timestep.reward, -terms / (V * 30), rtol=1e-5)
        np.testing.assert_allclose(info["trust_penalty"], values["trust_penalty_s"] * info["violations"], rtol=1e-5)
        assert (info["missing_copies"] == (~before.copy_present).sum(1)).all()
        assert (after.target.sum(1) == values["attacked_rsus"]).all()
        assert not (after.attacked & ~after.target).any()
        assert ((after.serving >= 0) & (after.serving < S)).all()
        assert (after.slot == jnp.arange(1, SLOTS + 1)).all()
        if values["forgetting"] == 1:
            np.testing.assert_array_equal((after.positive + after.negative).sum((1, 2)), V * np.arange(1, SLOTS + 1))

    @EXAMPLES
    @given(SEEDS, st.floats(300, 1500))
    def test_attachment_and_copies(self, environment, seed, coverage):
        """Covered by the target: served there, with a copy unless it was lost. Else: by the nearest RSU, without a copy."""
        changed = with_parameters(environment, coverage=coverage)
        _, (before, action, after, timestep) = rollout(changed, jax.random.key(seed))
        target = np.asarray(action)[:, : V * S].reshape(SLOTS, V, S).argmax(2)
        where = np.asarray(jax.vmap(changed.mobility.positions)(after.mobility), float)
        sites = np.asarray(changed.parameters.rsu_positions, float)
        distance = np.linalg.norm(where[:, :, None] - sites, axis=-1)
        chosen = np.take_along_axis(distance, target[..., None], 2)[..., 0]
        certain = np.abs(chosen - np.float32(coverage)) > 1e-2
        covered, uncovered = certain & (chosen < coverage), certain & (chosen > coverage)
        serving, copy = np.asarray(after.serving), np.asarray(after.copy_present)
        assert (serving == target)[covered].all()
        served_from = np.take_along_axis(distance, serving[..., None], 2)[..., 0]
        np.testing.assert_allclose(served_from[uncovered], distance.min(2)[uncovered], atol=1e-2)
        assert not copy[uncovered].any()
        stays = target == np.asarray(before.serving)
        assert copy[covered & stays].all()
        lost = covered & ~copy
        assert (lost.sum(1) <= np.asarray(timestep.info["lost_copies"])).all()
        quiet = np.asarray(timestep.info["attacked"]) == 0
        assert not lost[quiet].any()

    def test_copies_are_lost_only_on_the_way_from_or_to_an_attacked_rsu(self, environment):
        changed = with_parameters(
            environment, coverage=1e5, copy_loss_probability=1.0, attack_frequency=1.0, attack_end_probability=0.0,
            defence_success=0.0, attacked_rsus=2,
        )  # fmt: skip
        _, (before, action, after, _) = rollout(changed, jax.random.key(3))
        target = np.asarray(action)[:, : V * S].reshape(SLOTS, V, S).argmax(2)
        serving, attacked = np.asarray(before.serving), np.asarray(before.attacked)
        slot = np.arange(SLOTS)[:, None]
        lost = (target != serving) & (attacked[slot, serving] | attacked[slot, target])
        assert lost.any()
        assert (~lost & (target != serving)).any()
        np.testing.assert_array_equal(np.asarray(after.copy_present), ~lost)

    @pytest.mark.parametrize("recon", [0, 1, 2, 4])
    def test_a_defence_that_works_keeps_the_attacker_out_for_recon_plus_one_slots(self, environment, recon):
        eager = with_parameters(
            environment, attack_frequency=1.0, attack_end_probability=0.0, attacked_rsus=S, defence_success=1.0,
            reconnaissance_slots=recon,
        )  # fmt: skip

        defended_in = 5
        actions = -jnp.ones((12, V * S + V + S))
        attacked = attacked_slots(eager, actions.at[defended_in, -S:].set(1.0))
        free = range(defended_in, defended_in + recon + 2)
        expected = [0 if slot == 0 or slot in free else S for slot in range(12)]
        assert attacked.tolist() == expected

    def test_without_targets_or_frequency_nothing_is_attacked(self, environment):
        for values in ({"attacked_rsus": 0}, {"attack_frequency": 0.0}):
            _, (_, _, _, timestep) = rollout(with_parameters(environment, **values), jax.random.key(0))
            assert not timestep.info["attacked"].any()

    def test_attacked_fraction_is_the_stationary_one(self, environment):
        """f / (f + p_off) of the targets' slots at f = 0.3 and p_off = 0.2, without any defence."""
        helpless = with_parameters(environment, defence_success=0.0)
        episodes = [rollout(helpless, jax.random.key(seed))[1][0].attacked for seed in range(60)]
        settled = np.asarray(episodes)[:, 15:].sum(2) / 2
        assert abs(settled.mean() - 0.6) < 0.04

    def test_same_key_same_episode_and_another_key_another(self, environment):
        one, two, three = (rollout(environment, jax.random.key(seed)) for seed in (1, 1, 2))
        assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True))
        assert not np.array_equal(one[0], three[0])
        assert not np.array_equal(one[1][3].reward, three[1][3].reward)


def test_draws_have_their_distributions_and_none_is_used_twice(environment):
    draw = jax.jit(jax.vmap(lambda key: draw_step(key, environment.vehicles, environment.rsus)))
    draws = draw(jax.random.split(jax.random.key(0), 4000))
    columns = []
    for name, values in vars(draws).items():
        flat = np.asarray(values).reshape(4000, -1)
        if name in {"packets", "speed"}:
            np.testing.assert_allclose(flat.mean(0), 0, atol=0.08)
            np.testing.assert_allclose(flat.std(0), 1, atol=0.06)
        else:
            assert ((flat >= 0) & (flat < 1)).all()
            np.testing.assert_allclose(flat.mean(0), 0.5, atol=0.025)
        columns.append(flat)
    correlation = np.corrcoef(np.concatenate(columns, axis=1).T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.08


def test_every_rsu_is_a_target_equally_often(environment):
    states, _ = eqx.filter_jit(eqx.filter_vmap(environment.reset))(jax.random.split(jax.random.key(0), 4000))
    assert (states.target.sum(1) == 2).all()
    np.testing.assert_allclose(states.target.mean(0), 0.5, atol=0.035)
    pairs = np.unique(np.asarray(states.target), axis=0)
    assert len(pairs) == 6


@pytest.mark.slow
def test_a_sweep_in_one_program_equals_its_points_one_by_one():
    configs = [
        AgentMigrationConfig(),
        AgentMigrationConfig(link_rate_mbps=150.0, attacked_rsus=4),
        AgentMigrationConfig(cpu_mhz=250.0, attack_frequency=1.0, coverage_m=900.0),
        AgentMigrationConfig(raw_data_mb=400.0, agent_data_mb=400.0, reconnaissance_slots=3, forgetting=0.8),
    ]
    environments = [built(config) for config in configs]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *environments)
    together = eqx.filter_vmap(rollout, in_axes=(0, None))(stacked, jax.random.key(9))
    latencies = set()
    for i, each in enumerate(environments):
        alone = rollout(each, jax.random.key(9))
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
            np.testing.assert_allclose(np.asarray(b[i], float), np.asarray(a, float), rtol=1e-4, atol=1e-4)
        latencies.add(round(float(alone[1][3].info["latency"].mean())))
    assert len(latencies) == len(configs)


class TestForcedAttack:
    """Figure 10: RSU 1 alone is attacked, in slots 15 to 24; everybody goes to the nearest RSU and nobody defends."""

    ATTACKED = range(15, 25)

    @pytest.fixture(scope="class")
    @classmethod
    def reputation(cls):
        """Mean over users and episodes of every RSU's reputation at the start of each slot, and per user of RSU 1."""
        environment = AgentMigration.build(AgentMigrationConfig(attack_frequency=0.0))
        sites = environment.parameters.rsu_positions

        def slot(state, inputs):
            key, forced = inputs
            state = eqx.tree_at(lambda s: s.attacked, state, jnp.arange(S) == jnp.where(forced, 1, -1))
            where = environment.mobility.positions(state.mobility)
            distance = jnp.linalg.norm(where[:, None] - sites, axis=-1)
            scores = jnp.where(distance == distance.min(1, keepdims=True), 1.0, -1.0)
            action = jnp.concatenate([scores.reshape(-1), jnp.zeros(V), -jnp.ones(S)])
            return environment.step(key, state, action)[0], state.reputation

        forced = jnp.asarray([t in cls.ATTACKED for t in range(SLOTS)])

        def episode(key):
            state, _ = environment.reset(key)
            return jax.lax.scan(slot, state, (jax.random.split(key, SLOTS), forced))[1]

        return np.asarray(jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(10), 60)))

    def test_it_is_trusted_before(self, reputation):
        assert 0.74 < reputation[:, 15, :, 1].mean() < 0.83

    def test_it_falls_below_the_threshold_during_the_attack(self, reputation):
        """About 0.60 after one slot, 0.51 after two, 0.43 after four."""
        mean = reputation[:, :, :, 1].mean((0, 2))
        np.testing.assert_allclose(mean[[16, 17, 19]], [0.60, 0.51, 0.43], atol=0.04)
        assert (np.diff(mean[15:26]) < 0).all()
        everybody = (reputation[:, 15:26, :, 1] < 0.6).all(2)
        assert everybody.any(1).all()
        assert everybody.argmax(1).mean() < 3

    def test_it_recovers_within_a_few_slots_afterwards(self, reputation):
        mean = reputation[:, :, :, 1].mean((0, 2))
        back = 25 + int(np.argmax(mean[25:] >= 0.6))
        assert 27 <= back <= 30
        assert (mean[back:] >= 0.6).all()
        assert mean[40] > 0.65

    def test_the_other_rsus_keep_their_reputation(self, reputation):
        mean = reputation.mean((0, 2))
        assert np.abs(mean[15:30] - mean[15])[:, [0, 2, 3]].max() < 0.06

    def test_users_differ(self, reputation):
        assert reputation[:, 15, :, 1].std(1).mean() > 0.03


INTEGERS = {"vehicles": 0, "rsus": 0, "slots": 0, "trust_window": 0, "attacked_rsus": -1, "reconnaissance_slots": -1}
POSITIVE = (
    "slot_seconds", "area_m", "coverage_m", "carrier_ghz", "antenna_gain", "minimum_distance_m", "reference_distance_m",
    "vehicle_power_w", "rsu_power_w", "noise_w", "cycles_per_byte", "computed_share", "result_share", "backhaul_mbps",
    "prior_positive", "prior_negative", "beacon_packets", "share_sharpness", "forgetting", "training_share",
)  # fmt: skip
NON_NEGATIVE = ("max_load", "defence_seconds", "trust_penalty_s", "overload_penalty", "speed_spread", "vehicle_packets")
PROBABILITIES = (
    "attack_frequency", "attack_end_probability", "copy_loss_probability", "defence_success", "reception_weight",
    "reliability_weight", "trust_rate", "packet_loss", "attacked_packet_loss", "initial_reputation",
    "reputation_threshold",
)  # fmt: skip
PER_RSU, PER_VEHICLE = ("link_rate_mbps", "cpu_mhz"), ("raw_data_mb", "agent_data_mb", "tolerance")
BAD = [
    *((name, value) for name, low in INTEGERS.items() for value in (low, 2.5, "2", None, True)),
    *((name, value) for name in POSITIVE for value in (0.0, -1.0, math.nan, math.inf, "much", None)),
    *((name, value) for name in NON_NEGATIVE for value in (-0.1, math.nan, math.inf, None)),
    *((name, value) for name in PROBABILITIES for value in (-0.1, 1.1, math.nan, None)),
    *((name, value) for name in (*PER_RSU, *PER_VEHICLE) for value in (0.0, -5.0, math.nan, "fast", (1.0, 2.0), ())),
    *((name, (1.0, 2.0, 3.0, 0.0)) for name in PER_RSU),
    *((name, (1.0,) * 7 + (-1.0,)) for name in PER_VEHICLE),
    ("attacked_rsus", 5),
    *(
        ("scheduled_attacks", value)
        for value in (None, 3, ((1, 2),), ((4, 0, 1),), ((0, 3, 2),), ((0, 0, 50),), ((-1, 0, 1),), ((0, 0.5, 1),))
    ),
    ("attack_severity", 1.0),
    ("attack_severity", -0.1),
    ("raw_data_spread", 1.0),
    ("raw_data_spread", -0.1),
    ("forgetting", 1.1),
    ("training_share", 1.0),
    ("origin_m", (math.nan, 0.0)),
    ("origin_m", ("here", 0.0)),
    ("trust_weights", (0.33, 0.33, 0.33)),
    ("trust_weights", (-0.5, 0.5, 1.0)),
    ("trust_weights", (math.nan, 0.5, 0.5)),
    ("speed_range_m_s", (20.0, 10.0)),
    ("speed_range_m_s", (-1.0, 10.0)),
    ("speed_range_m_s", (0.0, math.inf)),
    ("rsu_positions_m", ((0.0, 0.0), (1.0, 1.0))),
    ("rsu_positions_m", ((0.0, math.nan),) * 4),
    ("rsu_positions_m", ((0.0, 0.0, 0.0),) * 4),
    ("rsu_positions_m", "grid"),
]


class TestConfiguration:
    @pytest.mark.parametrize(("name", "value"), BAD, ids=lambda x: str(x))
    def test_a_bad_value_is_refused_in_one_line_that_names_it(self, name, value):
        with pytest.raises(ConfigurationError) as error:
            # without the type checks of the tests, as a user's program runs
            make_unchecked(**{name: value})
        assert error.value.field == name
        message = str(error.value)
        assert message.startswith(f"{name} = {value!r}: must be ")
        assert "\n" not in message

    def test_every_field_with_numbers_is_among_the_bad_values(self):
        unchecked = {"observe_reputation", "mobility", "mobility_sha256"}
        of_other_forms = {"observation", "candidates", "instances", "shapes", "instances_per_shape", "instance_seed"}
        unchecked |= of_other_forms | {"include_default", "view", "unseen", "rewards"}
        assert {field.name for field in dataclasses.fields(AgentMigrationConfig)} - unchecked == {n for n, _ in BAD}

    @pytest.mark.parametrize(
        "values",
        [
            {"rsus": 1, "attacked_rsus": 0},
            {"attack_frequency": 0.0, "attacked_rsus": 4},
            {"attack_frequency": 1.0, "defence_success": 1.0, "forgetting": 1.0},
            {"speed_range_m_s": (0.0, 0.0), "raw_data_spread": 0.0, "defence_seconds": 0.0, "vehicle_packets": 0.0},
            {"trust_weights": (0.0, 0.0, 1.0)},
            {"link_rate_mbps": 1, "cpu_mhz": (1, 2, 3, 4)},
        ],
        ids=str,
    )
    def test_bounds_that_are_allowed(self, values):
        AgentMigrationConfig(**values)


def make_unchecked(**values: Any) -> AgentMigrationConfig:
    config = object.__new__(AgentMigrationConfig)
    for field in dataclasses.fields(AgentMigrationConfig):
        object.__setattr__(config, field.name, values.get(field.name, field.default))
    config.__post_init__()
    return config
