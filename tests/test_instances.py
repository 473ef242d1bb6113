"""Drawn instances: their ranges, and the environment that draws one at every reset."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments.environment import TimeStep, step_autoreset
from edgewise.environments.instances import DrawnInstances, InstancePolicy, InstanceState, stack
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.instances import (
    DEFAULTS,
    HELD_OUT_RSUS,
    HELD_OUT_VEHICLES,
    InstanceRanges,
    covering_radius,
    draw_instances,
    held_out,
)
from edgewise.systems.agent_migration.mobility.loops import RectangularLoops
from edgewise.systems.agent_migration.references import build as references
from edgewise.training.evaluation import evaluate

SHAPE = (5, 3)
COUNT = 6
BASE = AgentMigrationConfig(slots=6)


@pytest.fixture(scope="module")
def instances() -> list[AgentMigration]:
    return [each.build() for each in draw_instances(SHAPE, COUNT, 0, base=BASE)]


@pytest.fixture(scope="module")
def drawn(instances: list[AgentMigration]) -> DrawnInstances:
    return DrawnInstances(stack(instances))


def test_a_seed_and_a_stream_decide_what_is_drawn() -> None:
    def configs(*args: object) -> list[AgentMigrationConfig]:
        return [each.config for each in draw_instances(SHAPE, *args)]  # type: ignore[arg-type]

    first = configs(3, 7)
    assert configs(3, 7) == first
    assert configs(5, 7)[:3] == first
    others = [*configs(3, 8), *configs(3, 7, "evaluation"), *configs(3, 7, "held out")]
    assert len({each.area_m for each in [*first, *others]}) == 12


def test_values_lie_in_their_ranges() -> None:
    ranges = InstanceRanges()
    drawn = draw_instances((4, 4), 60, 1)
    names = {field.name for field in fields(InstanceRanges)} & {field.name for field in fields(AgentMigrationConfig)}
    assert len(names) > 12
    for name in names:
        values = np.asarray([getattr(each.config, name) for each in drawn])
        low, high = getattr(ranges, name)
        assert low <= values.min() < values.max() <= high, name
    attacked = np.asarray([each.config.attacked_rsus for each in drawn])
    assert set(attacked) == {0, 1, 2}
    assert 0.05 < np.mean(attacked == 0) < 0.4
    for each in drawn:
        mobility = each.mobility
        assert isinstance(mobility, RectangularLoops)
        corners = np.asarray(mobility.rectangles) / each.config.area_m
        assert 0.05 - 1e-6 <= corners.min() < corners.max() <= 0.95 + 1e-6
        assert ((corners[:, 2:] - corners[:, :2]) > 0.2).all()
        positions = np.asarray(each.config.rsu_positions_m)
        times = each.config.coverage_m / covering_radius(positions, each.config.area_m)
        assert ranges.coverage[0] <= times <= ranges.coverage[1]


def test_the_covering_radius_of_one_unit_in_the_middle() -> None:
    radius = covering_radius(np.asarray([[50.0, 50.0]]), 100.0)
    assert 60 < radius < 50 * np.sqrt(2)


def test_a_value_that_was_given_is_not_drawn() -> None:
    base = replace(BASE, attack_severity=0.5, area_m=1000.0, origin_m=(100.0, 0.0), link_rate_mbps=150.0)
    for each in draw_instances(SHAPE, 4, 0, base=base):
        assert (each.config.attack_severity, each.config.area_m, each.config.link_rate_mbps) == (0.5, 1000.0, 150.0)
        assert each.config.slots == 6
        assert isinstance(each.mobility, RectangularLoops)
        assert 100 <= np.asarray(each.mobility.rectangles)[:, 0].min() <= 1100


def test_the_default_system_is_one_of_its_shape_if_asked() -> None:
    first = draw_instances((8, 4), 2, 0, include_default=True)[0]
    assert first.config == AgentMigrationConfig()
    assert eqx.tree_equal(first.build(), AgentMigration.build())
    assert draw_instances((8, 4), 1, 0)[0].config != AgentMigrationConfig()
    assert draw_instances((8, 5), 1, 0, include_default=True)[0].config.rsus == 5


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: InstanceRanges(area_m=(3.0, 2.0)), "area_m"),
        (lambda: InstanceRanges(no_attack_share=1.5), "no_attack_share"),
        (lambda: InstanceRanges(margin=0.5), "margin"),
        (lambda: draw_instances((0, 4), 1, 0), "vehicles"),
        (lambda: draw_instances((4, 4), 0, 0), "instances_per_shape"),
        (lambda: draw_instances((4, 4), 1, -1), "instance_seed"),
        (lambda: draw_instances((4, 4), 1, 0, base=replace(BASE, cpu_mhz=(1.0, 2.0, 3.0, 4.0), rsus=3)), "cpu_mhz"),
        (lambda: held_out(0, count=3, shapes=4), "count"),
    ],
)
def test_what_cannot_be_drawn_is_told(make: object, field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        make()  # type: ignore[operator]


def test_held_out_instances_cover_the_sizes() -> None:
    groups = held_out(3)
    assert sum(map(len, groups.values())) == 40
    vehicles, rsus = zip(*groups, strict=True)
    assert (min(vehicles), max(vehicles)) == HELD_OUT_VEHICLES
    assert (min(rsus), max(rsus)) == HELD_OUT_RSUS
    trained = draw_instances(next(iter(groups)), 4, 3)
    assert not {each.config.area_m for each in trained} & {
        each.config.area_m for group in groups.values() for each in group
    }


@eqx.filter_jit
def play(environment: DrawnInstances, key: jax.Array) -> tuple[tuple[InstanceState, jax.Array], TimeStep]:
    """A reset and three steps."""

    def act(state: InstanceState, key: jax.Array) -> tuple[InstanceState, TimeStep]:
        return environment.step(key, state, environment.action_space.sample(key))

    state, observation = environment.reset(key)
    _, timesteps = jax.lax.scan(act, state, jax.random.split(key, 3))
    return (state, observation), timesteps


def test_a_stack_equals_its_instances_step_by_step(instances: list[AgentMigration], drawn: DrawnInstances) -> None:
    for index in range(COUNT):
        key = jax.random.key(index)
        (own, seen), steps = play(DrawnInstances(stack([instances[index]]), jnp.asarray(0)), key)
        (stacked, seen_too), steps_too = play(drawn.pin(index), key)
        assert int(stacked.index) == index
        assert eqx.tree_equal(stacked.instance, instances[index])
        for one, other in zip(
            jax.tree.leaves((own.inner, seen, steps)),
            jax.tree.leaves((stacked.inner, seen_too, steps_too)),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_every_instance_is_drawn_and_kept_for_an_episode(drawn: DrawnInstances) -> None:
    keys = jax.random.split(jax.random.key(0), 64)
    states, _ = eqx.filter_jit(lambda keys: jax.vmap(drawn.reset)(keys))(keys)
    assert set(np.asarray(states.index).tolist()) == set(range(COUNT))

    def follow(state: InstanceState, key: jax.Array) -> tuple[InstanceState, jax.Array]:
        state, timestep, _ = step_autoreset(drawn, key, state, drawn.action_space.sample(key))
        return state, jnp.stack([state.index, timestep.truncated.astype(int)])

    first = jax.tree.map(lambda leaf: leaf[0], states)
    _, seen = eqx.filter_jit(partial(jax.lax.scan, follow))(first, jax.random.split(jax.random.key(1), 40))
    index, ended = np.asarray(seen).T
    changed = np.diff(index) != 0
    assert ended.sum() == 40 // BASE.slots
    assert changed.any()
    assert not changed[ended[1:] == 0].any()


@pytest.mark.parametrize("name", ["nearest-next", "look-ahead"])
def test_references_play_every_instance_with_bounded_latency(drawn: DrawnInstances, name: str) -> None:
    policy = InstancePolicy(lambda instance: references(instance)[name])
    latency = eqx.filter_jit(evaluate)(drawn, policy, jax.random.key(0), 24)["latency"]
    per_vehicle = np.asarray(latency) / SHAPE[0]
    assert (per_vehicle > 1).all()
    assert (per_vehicle < 1000).all()


def test_instances_of_other_sizes_do_not_stack(instances: list[AgentMigration]) -> None:
    other = draw_instances((4, 3), 1, 0, base=BASE)[0].build()
    longer = AgentMigration.build(replace(BASE, vehicles=5, rsus=3, slots=7))
    for wrong in (other, longer):
        with pytest.raises(ConfigurationError, match="instance 1"):
            stack([instances[0], wrong])


def test_defaults_are_those_of_the_configuration() -> None:
    assert AgentMigrationConfig(**DEFAULTS) == AgentMigrationConfig()
