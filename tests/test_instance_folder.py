"""Many systems in one configuration: drawn ones, and a folder of one's own recordings and configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import edgewise  # noqa: F401 (registers the environments)
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import from_plain, to_plain
from edgewise.environments import registry
from edgewise.environments.instances import DrawnInstances, InstanceGroups, example
from edgewise.systems.agent_migration.build import changed, environments, prepare
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.files import save_scenario
from edgewise.systems.agent_migration.instance_groups import EVALUATED, folder_configs, held_out_groups, played
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario
from edgewise.systems.agent_migration.parameters import nominal_latency
from edgewise.training.inside import located, stored

ENTRY = registry.find("agent-migration")
SLOTS = 30


def recording(path: Path, units: int, places: int = 3) -> Path:
    """Vehicles on straight lines."""
    steps = np.arange(SLOTS, dtype=np.float32)
    lanes = 100 * np.arange(places, dtype=np.float32)
    positions = np.stack(np.broadcast_arrays(20 * steps[:, None], lanes), axis=-1).astype(np.float32)
    scenario = MobilityScenario(
        positions=positions,
        handover=np.zeros((SLOTS, places), bool),
        slot_seconds=30.0,
        rsu_positions=np.asarray([(200 * unit + 10, 50) for unit in range(units)], np.float32),
        coverage_m=400.0,
        origin_m=(0.0, 0.0),
        area_m=600.0,
        source=path.name,
        window=(0.0, 30.0 * (SLOTS - 1)),
        roads=np.zeros((1, 2), np.float32),
    )
    return save_scenario(path, scenario)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "maps"
    made.mkdir()
    recording(made / "north.npz", 3)
    recording(made / "south.npz", 3)
    recording(made / "west.npz", 2)
    (made / "loops.yaml").write_text("vehicles: 5\nrsus: 2\nattacked_rsus: 1\n")
    (made / "west.yaml").write_text("mobility: west.npz\nvehicles: 3\nattacked_rsus: 1\n")
    (made / "notes.txt").write_text("no system")
    return made


def config(folder: Path, **fields: object) -> AgentMigrationConfig:
    base = {"vehicles": 2, "attacked_rsus": 1, "instances": str(folder)}
    return AgentMigrationConfig(**(base | fields))  # type: ignore[arg-type]


def test_every_file_is_a_system_of_its_own_size(folder: Path) -> None:
    found = {path.name: each for path, each in folder_configs(config(folder, cycles_per_byte=5.0))}
    assert list(found) == ["loops.yaml", "north.npz", "south.npz", "west.yaml"]
    assert [each.vehicles for each in found.values()] == [5, 2, 2, 3]
    assert {each.cycles_per_byte for each in found.values()} == {5.0}
    assert all(each.instances is None for each in found.values())
    many = environments(config(folder, slots=5), "training")
    assert isinstance(many, InstanceGroups)
    sizes = [(group.count, example(group).vehicles, example(group).rsus) for group in many.groups]  # type: ignore[attr-defined]
    assert sizes == [(1, 5, 2), (2, 2, 3), (1, 3, 2)]
    assert played(config(folder)).startswith("4 systems")


def test_recordings_are_split_in_time(folder: Path) -> None:
    early, late = (environments(config(folder, slots=5), part) for part in ("training", "evaluation"))
    assert isinstance(early, InstanceGroups)
    assert isinstance(late, InstanceGroups)
    first, last = (np.asarray(each.groups[1].instances.mobility.recording) for each in (early, late))  # type: ignore[attr-defined]
    assert (first.shape[1], last.shape[1]) == (18, 12)
    assert first[..., 0].max() < last[..., 0].min()


def test_a_run_keeps_a_copy_and_can_be_moved(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    settled = prepare(config(folder), run)
    assert "11 slots" in capsys.readouterr().err
    kept = sorted(path.name for path in (run / "instances").iterdir())
    assert len(kept) == 7
    assert prepare(settled, run) == settled
    plain = stored(to_plain(settled), run)
    assert plain["instances"] == "./instances"
    moved = run.rename(tmp_path / "moved")
    again = from_plain(AgentMigrationConfig, located(plain, moved))
    many = environments(again, "evaluation")
    assert isinstance(many, InstanceGroups)
    assert [example(group).slots for group in many.groups] == [50, 11, 11]  # type: ignore[attr-defined]
    with pytest.raises(EdgewiseError, match="exists already"):
        prepare(config(folder), moved)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "bad.yaml").write_text("vehicles: -1\n"), "bad.yaml.*vehicles"),
        (lambda folder: (folder / "bad.yaml").write_text("- 1\n"), "bad.yaml: must hold fields"),
        (lambda folder: (folder / "bad.yaml").write_text("wheels: 4\n"), "bad.yaml.*wheels"),
        (lambda folder: (folder / "bad.yaml").write_text("instances: drawn\n"), "bad.yaml.*instances"),
        (lambda folder: (folder / "bad.yaml").write_text("observe_reputation: false\n"), "bad.yaml.*as for all"),
        (lambda folder: (folder / "bad.yaml").write_text("mobility: t.csv\n"), "bad.yaml.*mobility import"),
        (lambda folder: (folder / "bad.yaml").write_text("mobility: gone.npz\n"), "gone.npz: no such file"),
        (lambda folder: (folder / "bad.npz").write_bytes(b"PK"), "bad.npz"),
        (lambda folder: recording(folder / "few.npz", 2, places=1), "few.npz.*vehicles"),
        (lambda folder: recording(folder / "one.npz", 1), "attacked_rsus"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(folder)
    asked = config(folder, attacked_rsus=2) if "attacked" in said else config(folder)
    with pytest.raises(EdgewiseError, match=said) as told:
        prepare(asked, folder.parent / "run")
    assert "\n" not in str(told.value)
    assert not (folder.parent / "run").exists()


def test_a_folder_without_systems_is_refused(tmp_path: Path) -> None:
    for wrong, said in ((tmp_path, "holds no recording"), (tmp_path / "gone", "instances = ")):
        with pytest.raises(EdgewiseError, match=said):
            environments(config(wrong), "training")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"shapes": ("8x4",)}, "shapes.*--instances drawn"),
        ({"instance_seed": 3}, "instance_seed"),
        ({"instances": "drawn", "shapes": ("8*4",)}, "such as 8x4"),
        ({"instances": "drawn", "shapes": ("8x4", "8x4")}, "different"),
        ({"instances": "drawn", "vehicles": 9}, "vehicles.*shapes"),
        ({"instances": "drawn", "mobility": "grid"}, "mobility"),
        ({"instances": "drawn", "instances_per_shape": 0}, "instances_per_shape"),
        ({"instances": "drawn", "include_default": True, "shapes": ("5x4",)}, "include_default"),
    ],
)
def test_contradictions_are_told(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        AgentMigrationConfig(**fields)  # type: ignore[arg-type]


def test_other_libraries_take_instances_of_one_size() -> None:
    one = gymnasium.make(
        "edgewise/AgentMigration-v0", instances="drawn", shapes=("3x2",), instances_per_shape=3, slots=4
    )
    observation, _ = one.reset(seed=0)
    assert one.observation_space.contains(observation)
    assert np.isfinite(one.step(one.action_space.sample())[1])
    with pytest.raises(ConfigurationError, match="of one size"):
        gymnasium.make("edgewise/AgentMigration-v0", instances="drawn", shapes=("3x2", "2x2"), instances_per_shape=1)


def test_drawn_instances_to_evaluate_on_are_others_than_those_trained_on() -> None:
    asked = AgentMigrationConfig(instances="drawn", shapes=("3x2",), instances_per_shape=4, slots=5)
    training, evaluation = ENTRY.build(asked), ENTRY.build_evaluation(asked)
    assert isinstance(training, DrawnInstances)
    assert isinstance(evaluation, DrawnInstances)
    assert (training.count, evaluation.count) == (4, EVALUATED)
    mine, others = (set(np.asarray(each.instances.parameters.coverage).tolist()) for each in (training, evaluation))  # type: ignore[attr-defined]
    assert not mine & others
    assert "32 drawn instances" in ENTRY.played(asked)
    assert ENTRY.played(AgentMigrationConfig()) == ""


def test_nominal_latency_is_what_tolerance_is_a_multiple_of() -> None:
    many = held_out_groups(0, 10, lambda instance: instance.build())
    assert isinstance(many, InstanceGroups)
    group = many.groups[0]
    assert isinstance(group, DrawnInstances)
    assert group.nominal is not None
    tolerance = np.asarray(group.instances.parameters.tolerance)[0]  # type: ignore[attr-defined]
    assert 1.3 <= tolerance.sum() / float(group.nominal[0]) <= 2.1
    one = AgentMigrationConfig(
        vehicles=1, rsus=1, attacked_rsus=0, raw_data_mb=100.0, link_rate_mbps=100.0, cpu_mhz=100.0
    )
    np.testing.assert_allclose(nominal_latency(one), [8 * 1.1 + 4])


def test_one_system_can_be_asked_for_where_many_were_trained_on() -> None:
    many = AgentMigrationConfig(instances="drawn", shapes=("3x2",))
    assert changed(many, {"vehicles": 12}) == AgentMigrationConfig(vehicles=12)
    assert changed(many, {"mobility": "grid"}).instances is None
    assert changed(many, {"attack_frequency": 0.9}).instances == "drawn"
    assert changed(many, {"shapes": ("4x4",)}).shapes == ("4x4",)
