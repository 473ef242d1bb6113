"""A policy in use: the session of an operator sees and decides what the environment would, and vehicles and units come and go."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
from edgewise.environments.description import Description
from edgewise.environments.elements import faults
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.matching import MatchingPolicy, Sets
from edgewise.systems.agent_migration import attack, features, trust
from edgewise.systems.agent_migration.build import environment, on_recording
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.entities import EntityMigration, EntityState
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.fleet import Fleet, Unit, Vehicle
from edgewise.systems.agent_migration.host_records import on_device
from edgewise.systems.agent_migration.memory import Memory
from edgewise.systems.agent_migration.regrouping import MEMORY, STANDING
from edgewise.systems.agent_migration.reports import Orders, Outcome, Packets, Situation
from edgewise.systems.agent_migration.sampling import draw_step
from edgewise.systems.agent_migration.session import Session, begin
from edgewise.systems.agent_migration.standing import Standing

CONFIG = AgentMigrationConfig(
    vehicles=5, rsus=3, slots=12, attack_frequency=0.7, attacked_rsus=1, coverage_m=700.0, observation="entities"
)


def loops() -> tuple[AgentMigration, AgentMigrationConfig]:
    return AgentMigration.build(CONFIG), CONFIG


def streets() -> tuple[AgentMigration, AgentMigrationConfig]:
    """A recording in which vehicles leave and others take their places over."""
    config = on_recording(CONFIG, "grid")
    return environment(config, "training"), config


@pytest.fixture(scope="module")
def policy() -> MatchingPolicy:
    """One whose decisions differ from slot to slot."""
    sizes = (len(features.VEHICLE_FIELDS), len(features.UNIT_FIELDS), len(features.PAIR_FIELDS))
    fresh = MatchingPolicy.create(Sets("vehicles", "units", "target", "defence"), sizes, 8, 1, jax.random.key(3))
    return jax.tree.map(lambda leaf: 3 * leaf, fresh)


def names(environment: AgentMigration) -> tuple[list[str], list[str]]:
    return [f"car {i}" for i in range(environment.vehicles)], [f"unit {i}" for i in range(environment.rsus)]


def situation(environment: AgentMigration, state: Any, memory: Any = None) -> Situation:
    """What an operator sees of a state."""
    cars, units = names(environment)
    mobility = environment.mobility
    points, expected = np.asarray(mobility.positions(state.mobility)), np.asarray(mobility.predict(state.mobility))
    ahead = expected if memory is None else np.asarray(mobility.predict_at(state.mobility, memory.pace))
    return Situation(
        positions_m=dict(zip(cars, map(tuple, points.tolist()), strict=True)),
        serving=None if memory is None else {car: units[int(i)] for car, i in zip(cars, state.serving, strict=True)},
        load=dict(zip(units, np.asarray(environment.load(state), float).tolist(), strict=True)),
        expected_m=dict(zip(cars, map(tuple, expected.tolist()), strict=True)),
        ahead_m=dict(zip(cars, map(tuple, ahead.tolist()), strict=True)),
        entered={car for car, flag in zip(cars, mobility.entered(state.mobility), strict=True) if flag},
    )


def operated(environment: AgentMigration, config: AgentMigrationConfig, state: Any) -> Session:
    """A session that begins where an episode does."""
    cars, units = names(environment)
    p = environment.parameters
    rates = np.linspace(300, 100, len(units)).round().tolist()
    places, cpus = np.asarray(p.rsu_positions, float).tolist(), np.asarray(p.cpu_hz / 1e6, float).tolist()
    volumes, agents = (np.asarray(size / 1e6, float).tolist() for size in (p.raw_data, p.agent_data))
    return begin(
        config,
        [Vehicle(*each) for each in zip(cars, volumes, agents, np.asarray(p.tolerance, float).tolist(), strict=True)],
        [
            Unit(name, tuple(place), rate, cpu)
            for name, place, rate, cpu in zip(units, places, rates, cpus, strict=True)
        ],
        situation(environment, state),
    )


@eqx.filter_jit
def play(environment: EntityMigration, state: EntityState, action: Any, key: Any) -> tuple[Any, Any, Any, Any]:
    """A slot, and what operators measure in it: latencies, packets sent to each unit, and those lost in both directions."""
    system, p = environment.system, environment.system.parameters
    draws = draw_step(key, system.vehicles, system.rsus)
    before = state.system
    decision = Decision(action["target"], action["share"], action["defence"])
    _, _, latency = system.carry_out(before, decision, draws)
    hit = before.attacked & ~attack.defend(action["defence"], p.defence_success, draws.defence)
    served = (before.serving[:, None] == jnp.arange(system.rsus)).sum(0)
    sent = p.beacon_packets + p.vehicle_packets * served
    loss = jnp.where(hit, p.attacked_packet_loss, p.packet_loss)
    lost = jnp.stack([trust.failed_packets(sent, loss, noise) for noise in draws.packets])
    following, _ = environment.step(key, state, action)
    return following, latency.total, sent, lost


def measured(environment: AgentMigration, latency: Any, sent: Any, lost: Any) -> Outcome:
    cars, units = names(environment)
    return Outcome(
        latency_s=dict(zip(cars, np.asarray(latency, float).tolist(), strict=True)),
        packets={
            unit: Packets(total - down, down, total - up, up)
            for unit, total, down, up in zip(units, *np.asarray([sent, *lost], float).tolist(), strict=True)
        },
    )


@pytest.mark.parametrize("made", [loops, streets])
def test_a_session_sees_and_decides_what_the_environment_would(made: Any, policy: MatchingPolicy) -> None:
    system, config = made()
    migration = EntityMigration(system)
    state, observation = migration.reset(jax.random.key(5))
    session = operated(system, config, state.system)
    cars, units = names(system)
    assert faults(migration.observation_space, session.observation) == []
    targets, taken_over = set(), 0
    act = eqx.filter_jit(lambda seen: policy(seen, None))
    for slot in range(12):
        ours = session.observation
        for part, named in observation.items():
            for field, value in named.items():
                np.testing.assert_allclose(
                    ours[part][field], value, rtol=1e-5, atol=1e-5, err_msg=f"{slot} {part}/{field}"
                )
        action = act(observation)
        orders = session.orders(act(ours))
        assert [orders.target[car] for car in cars] == [units[int(i)] for i in action["target"]]
        assert [orders.defence[unit] for unit in units] == np.asarray(action["defence"]).tolist()
        share = features.closed_form_shares(system.parameters, on_device(session.seen), on_device(session.memory))
        np.testing.assert_allclose([orders.share[car] for car in cars], share, rtol=1e-5)
        targets.add(tuple(orders.target.values()))
        state, latency, sent, lost = play(migration, state, {**action, "share": share}, jax.random.key(100 + slot))
        observation = migration.observe(state)
        session = session.report(
            orders, measured(system, latency, sent, lost), situation(system, state.system, state.memory)
        )
        taken_over += int(session.seen.entered.sum())
    assert len(targets) > 1
    assert (taken_over > 0) == (made is streets)
    assert not np.allclose(session.standing.reputation, CONFIG.initial_reputation)


TOWN = [Unit("west", (0.0, 0.0), 200.0, 200.0), Unit("east", (1000.0, 0.0), 100.0, 300.0)]
CARS = [Vehicle("a", 200.0, 100.0), Vehicle("b", 300.0, 400.0), Vehicle("c", 100.0, 500.0)]
PLACES = {"a": (0.0, 100.0), "b": (900.0, 0.0), "c": (400.0, 0.0), "d": (950.0, 50.0)}


def town(**changes: Any) -> Session:
    where = {car.name: PLACES[car.name] for car in CARS}
    return begin(replace(CONFIG, **changes), CARS, TOWN, Situation(where))


def stay(session: Session) -> Orders:
    cars, units = session.fleet.vehicle_names, session.fleet.unit_names
    serving = {car: units[int(i)] for car, i in zip(cars, session.seen.serving, strict=True)}
    return Orders(serving, dict.fromkeys(cars, 0.5), dict.fromkeys(units, False))


def quiet(session: Session, latency: float = 20.0, lost: float = 2.0) -> Outcome:
    packets = Packets(100 - lost, lost, 100 - lost, lost)
    return Outcome(
        dict.fromkeys(session.fleet.vehicle_names, latency), dict.fromkeys(session.fleet.unit_names, packets)
    )


def at(*cars: str, **moved: tuple[float, float]) -> Situation:
    return Situation({car: PLACES[car] for car in cars} | moved)


def test_vehicles_attach_and_are_expected_where_nobody_tells() -> None:
    session = town()
    assert [session.fleet.unit_names[int(i)] for i in session.seen.serving] == ["west", "east", "west"]
    orders = replace(stay(session), target={"a": "west", "b": "west", "c": "east"})
    following = session.report(orders, quiet(session), at("a", "b", "c", a=(50.0, 100.0)))
    assert [following.fleet.unit_names[int(i)] for i in following.seen.serving] == ["west", "east", "east"]
    assert following.memory.fell_back.tolist() == [False, True, False]  # "b" is out of the reach of "west"
    np.testing.assert_allclose(following.seen.expected[0], (50 + 0.6 * 50, 100))
    p, per_byte = following.parameters, CONFIG.cycles_per_byte
    work = per_byte * (CONFIG.computed_share * np.array([200e6, 300e6, 100e6]) + np.array([0, 400e6, 0]))
    expected = np.array([work[0], work[1] + work[2]]) / (np.array([200e6, 300e6]) * CONFIG.slot_seconds)
    np.testing.assert_allclose(following.seen.load, expected, rtol=1e-5)
    np.testing.assert_allclose(p.cpu_hz, [200e6, 300e6])


def test_who_was_not_served_evaluates_nobody() -> None:
    session = town()
    outcome = replace(quiet(session), latency_s={"a": 20.0})
    following = session.report(stay(session), outcome, at("a", "b", "c"))
    counts = np.asarray(following.standing.positive + following.standing.negative)
    assert counts.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert following.standing.window_visits[0].tolist() == [1, 0]


def test_vehicles_come_and_go() -> None:
    session = town()
    for step in (40.0, 80.0):
        session = session.report(stay(session), quiet(session, lost=step), at("a", "b", "c", a=(step, 100.0)))
    before = session
    fleet = [CARS[2], Vehicle("d", 250.0, 250.0), CARS[0]]
    after = session.report(stay(session), quiet(session), at("c", "d", "a", a=(120.0, 100.0)), vehicles=fleet)
    assert after.fleet.vehicle_names == ("c", "d", "a")
    same = session.report(stay(session), quiet(session), at("a", "b", "c", a=(120.0, 100.0)))
    for name, axes in {**MEMORY, **STANDING}.items():
        ours, theirs = (
            jax.tree.leaves(getattr(session.memory if name in MEMORY else session.standing, name))
            for session in (after, same)
        )
        for one, other in zip(map(np.asarray, ours), map(np.asarray, theirs), strict=True):
            if axes.startswith("v"):
                np.testing.assert_allclose(one[[0, 2]], other[[2, 0]], rtol=1e-6, err_msg=name)
            else:
                np.testing.assert_allclose(one, other, rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(after.standing.reputation[1], same.standing.reputation.mean(0), rtol=1e-6)
    np.testing.assert_allclose(after.memory.latest[1], same.memory.latest.mean(0), rtol=1e-6)
    assert after.standing.positive[1].tolist() == [0, 0]
    assert after.seen.entered.tolist() == [False, True, False]
    assert (after.memory.moved[1], after.memory.travelled[1]) == (0, 0)
    np.testing.assert_allclose(
        after.parameters.tolerance[jnp.array([0, 2])], before.parameters.tolerance[jnp.array([2, 0])]
    )
    assert faults(features.space(3, 2), after.observation) == []


def test_units_come_and_go() -> None:
    session = town()
    orders = replace(stay(session), target={"a": "west", "b": "west", "c": "east"})
    units = [Unit("north", (0.0, 500.0), 150.0, 150.0), TOWN[1]]
    after = session.report(orders, quiet(session, lost=60.0), at("a", "b", "c", c=(600.0, 0.0)), units=units)
    same = session.report(orders, quiet(session, lost=60.0), at("a", "b", "c", c=(600.0, 0.0)))
    assert after.fleet.unit_names == ("north", "east")
    assert [after.fleet.unit_names[int(i)] for i in after.seen.serving] == ["north", "east", "east"]
    np.testing.assert_allclose(after.standing.reputation[:, 1], same.standing.reputation[:, 1])
    np.testing.assert_allclose(after.standing.reputation[:, 0], CONFIG.initial_reputation)
    assert after.memory.fell_back.tolist() == [True, True, False]  # two agents have gone with the unit
    assert int(after.memory.target[2]) == 1
    np.testing.assert_allclose(after.memory.lowest[1], same.memory.lowest[1])
    assert faults(features.space(3, 2), after.observation) == []
    following = after.report(stay(after), quiet(after), at("a", "b", "c"))
    assert np.isfinite(following.standing.reputation).all()


def test_every_field_has_its_axes() -> None:
    assert set(MEMORY) == {field.name for field in fields(Memory)}
    assert set(STANDING) == {field.name for field in fields(Standing)}
    session = town()
    sizes = {"v": 3, "s": 2, "-": CONFIG.trust_window}
    for record, table in ((session.memory, MEMORY), (session.standing, STANDING)):
        for name, axes in table.items():
            for leaf in jax.tree.leaves(getattr(record, name)):
                assert np.shape(leaf)[: len(axes)] == tuple(sizes[axis] for axis in axes), name


def test_a_report_changes_no_earlier_session() -> None:
    session = town()
    seen = session.observation
    session.report(stay(session), quiet(session, lost=90.0), at("a", "b", "c", a=(300.0, 0.0)))
    jax.tree.map(np.testing.assert_array_equal, session.observation, seen)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"orders": {"target": {"a": "west", "b": "west"}}}, "target = .*given for c too"),
        (
            {"orders": {"target": {"a": "west", "b": "west", "c": "north"}}},
            "target of c = 'north': must be one of west, east",
        ),
        ({"outcome": {"latency_s": {"z": 3.0}}}, "latency_s = 'z': must be one of a, b, c"),
        ({"outcome": {"latency_s": {"a": -3.0}}}, "latency_s of a = -3.0"),
        ({"outcome": {"packets": {}}}, "packets = .*given for west, east too"),
        ({"situation": Situation({"a": (0.0, 0.0)})}, "positions_m = .*given for b, c too"),
        ({"situation": at("a", "b", "c", a=(0.0, float("nan")))}, "positions_m of a"),
        ({"situation": replace(at("a", "b", "c"), serving={"a": "west"})}, "serving = .*given for b, c"),
        ({"situation": replace(at("a", "b", "c"), load={"west": 1.0})}, "load = .*given for east"),
        ({"vehicles": [*CARS, CARS[0]]}, "vehicles = .*each of another name"),
        ({"units": []}, "units = .*one or more"),
    ],
)
def test_reports_that_cannot_be_used_are_refused_by_name(change: dict[str, Any], said: str) -> None:
    session = town()
    orders, outcome = stay(session), quiet(session)
    orders, outcome = (
        replace(each, **change.get(name, {})) for name, each in (("orders", orders), ("outcome", outcome))
    )
    more = {name: change[name] for name in ("vehicles", "units") if name in change}
    with pytest.raises(ConfigurationError, match=said) as caught:
        session.report(orders, outcome, change.get("situation", at("a", "b", "c")), **more)
    assert "\n" not in str(caught.value)


def test_an_artefact_brings_its_sessions(policy: MatchingPolicy, tmp_path: Path) -> None:
    space = features.space(5, 3)
    described = Description.of(space, "observation", ())
    save_policy(
        tmp_path,
        PolicyArtefact(
            policy, "agent-migration", to_plain(CONFIG), "entity-ppo", 1, described, decoder="agent-migration"
        ),
    )
    artefact = load_policy(tmp_path)
    where = Situation({car.name: PLACES[car.name] for car in CARS})
    session = artefact.session({"attack_frequency": 0.2}, vehicles=CARS, units=TOWN, situation=where)
    assert float(session.parameters.attack_frequency) == pytest.approx(0.2)
    orders = session.orders(artefact.act(session.observation))
    assert set(orders.target) == {"a", "b", "c"}
    assert set(orders.target.values()) <= {"west", "east"}
    assert sum(orders.share.values()) == pytest.approx(2)
    session = session.report(orders, quiet(session), at("a", "b"), vehicles=CARS[:2])
    assert set(session.orders(artefact.act(session.observation)).defence) == {"west", "east"}


def test_other_policies_and_systems_say_that_they_have_none() -> None:
    with pytest.raises(ConfigurationError, match="observation = 'vector': must be 'entities'"):
        town(observation="vector")
    with pytest.raises(ConfigurationError, match=r"pendulum.*has none"):
        registry.find("pendulum").session(None)


def test_an_action_of_another_size_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="targets of 3 vehicles and defences of 2 units"):
        town().orders({"target": np.zeros(2, int), "defence": np.zeros(2, bool)})


def test_what_was_trained_on_drawn_instances_serves_any_fleet() -> None:
    many = AgentMigrationConfig(instances="drawn", shapes=("8x4", "4x3"), observation="entities")
    session = begin(many, CARS, TOWN, Situation({car.name: PLACES[car.name] for car in CARS}))
    np.testing.assert_allclose(session.parameters.raw_data, [200e6, 300e6, 100e6])


def test_hardware_that_nobody_tells_is_the_configurations() -> None:
    fleet = Fleet((Vehicle("a"), Vehicle("b", 50.0)), (Unit("x", (0.0, 0.0)), Unit("y", (1.0, 0.0))))
    p = fleet.parameters(replace(CONFIG, raw_data_mb=70.0, rsus=2, cpu_mhz=(120.0, 140.0)))
    np.testing.assert_allclose(p.raw_data, [70e6, 50e6])
    np.testing.assert_allclose(p.cpu_hz, [120e6, 140e6])
    with pytest.raises(ConfigurationError, match="raw_data_mb = None: must be given for a, as"):
        fleet.parameters(CONFIG)
    with pytest.raises(ConfigurationError, match=r"cpu_mhz.*one number or 2 numbers"):
        fleet.parameters(replace(CONFIG, raw_data_mb=70.0, cpu_mhz=(1.0, 2.0, 3.0)))
    with pytest.raises(ConfigurationError, match="cpu_mhz of x = 0"):
        Unit("x", (0.0, 0.0), cpu_mhz=0)
