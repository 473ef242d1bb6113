"""The system on a recording: geometry, options that contradict it, its digest, and its place in a run's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import edgewise  # noqa: F401 (registers the environments)
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import from_plain, to_plain
from edgewise.environments import registry
from edgewise.systems.agent_migration.build import environment, on_recording, on_scenario, prepare
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.files import load_scenario, save_scenario
from edgewise.systems.agent_migration.mobility.prepare import Preparation, prepare_scenario
from edgewise.systems.agent_migration.mobility.trace import read_trace
from edgewise.training.inside import located, stored

SLOTS = 30
SMALL = {"vehicles": 2, "attacked_rsus": 1}


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trace") / "town.csv"
    rows = [f"{30 * t},c{v},{8 + 150 * t},{-185 + 400 * v}" for t in range(SLOTS) for v in range(3)]
    path.write_text("\n".join(["time,id,x,y", *rows]))
    return path


@pytest.fixture(scope="module")
def recording(trace: Path) -> Path:
    made = prepare_scenario(read_trace(trace), Preparation(vehicles=2, rsus=3))
    return save_scenario(trace.with_suffix(".npz"), made)


def config(recording: Path, **fields: object) -> AgentMigrationConfig:
    return AgentMigrationConfig(**(SMALL | {"mobility": str(recording)} | fields))  # type: ignore[arg-type]


def test_a_run_is_described_by_the_geometry_it_trains_in(recording: Path, tmp_path: Path) -> None:
    scenario = load_scenario(recording)
    settled = prepare(config(recording), tmp_path)
    built = environment(settled, "training")
    p = built.parameters
    assert settled.rsus == built.rsus == 3
    assert settled.slots == built.slots == 11  # twelve slots are the later 40% of thirty
    assert settled.mobility_sha256 == scenario.sha256
    np.testing.assert_allclose(p.center, np.add(settled.origin_m, settled.area_m / 2), rtol=1e-6)
    np.testing.assert_allclose([p.half_extent * 2, p.coverage], [settled.area_m, settled.coverage_m], rtol=1e-6)
    np.testing.assert_allclose(p.rsu_positions, settled.rsu_positions_m, rtol=1e-6)
    np.testing.assert_allclose(settled.rsu_positions_m, scenario.rsu_positions)
    assert from_plain(AgentMigrationConfig, to_plain(settled)) == settled


@pytest.mark.parametrize(
    ("field", "value", "mend"),
    [
        ("rsus", 6, "import again with --rsus 6"),
        ("coverage_m", 700.0, "import again with --coverage-m 700"),
        ("slot_seconds", 10.0, "import again with --slot-seconds 10"),
        ("area_m", 5000.0, "follows from the recorded positions"),
        ("origin_m", (1.0, 2.0), "follows from the recorded positions"),
        ("rsu_positions_m", ((0.0, 0.0),) * 4, "import again with --rsu-positions"),
    ],
)
def test_a_recording_is_not_overruled_nor_overrules(
    recording: Path, tmp_path: Path, field: str, value: object, mend: str
) -> None:
    wanted = config(recording, **{field: value})
    for build in (lambda: environment(wanted, "training"), lambda: prepare(wanted, tmp_path)):
        with pytest.raises(ConfigurationError, match=mend) as error:
            build()
        assert error.value.field == field
    assert not list(tmp_path.iterdir())


def test_a_trace_that_is_not_prepared_takes_the_options(trace: Path, tmp_path: Path) -> None:
    settled = prepare(config(trace, rsus=2, coverage_m=1500.0), tmp_path)
    assert (settled.rsus, settled.coverage_m) == (2, 1500)
    assert (tmp_path / "mobility.png").exists()


@pytest.mark.parametrize(("field", "value"), [("slots", 12), ("vehicles", 4)])
def test_what_does_not_fit_is_refused_before_anything_is_written(
    recording: Path, tmp_path: Path, field: str, value: int
) -> None:
    with pytest.raises(ConfigurationError, match=f"{field} = {value}"):
        prepare(config(recording, **{field: value}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_content_is_told(recording: Path, trace: Path, tmp_path: Path) -> None:
    settled = prepare(config(recording), tmp_path)
    other = prepare_scenario(read_trace(trace), Preparation(vehicles=2, rsus=3, seed=1, coverage_m=900.0))
    save_scenario(tmp_path / "mobility.npz", other)
    with pytest.raises(EdgewiseError, match="another recording than the one"):
        environment(settled, "evaluation")
    with pytest.raises(EdgewiseError, match="choose another name or folder"):
        prepare(config(recording), tmp_path)
    moved = on_recording(settled, str(tmp_path / "mobility.npz"))
    assert environment(moved, "evaluation").parameters.coverage == 900


def test_a_run_that_was_moved_finds_its_recording(recording: Path, tmp_path: Path) -> None:
    settled = prepare(config(recording), tmp_path / "one")
    plain = stored(to_plain(settled), tmp_path / "one")
    assert plain["mobility"] == "./mobility.npz"
    absolute = to_plain(settled)
    shutil.move(tmp_path / "one", tmp_path / "two")
    for written in (plain, absolute):  # as stored now, and as it was stored before
        found = from_plain(AgentMigrationConfig, located(written, tmp_path / "two"))
        assert environment(found, "evaluation").rsus == 3
    assert located({"mobility": "grid", "vehicles": 3}, tmp_path) == {"mobility": "grid", "vehicles": 3}


def test_python_shortens_episodes_as_the_command_line_does(recording: Path) -> None:
    with pytest.warns(UserWarning, match="episodes of 11 slots"):
        made = registry.make("agent-migration", mobility=str(recording), **SMALL)
    assert made.slots == 11
    with pytest.warns(UserWarning, match="episodes of 11 slots"):
        wrapped = gymnasium.make("edgewise/AgentMigration-v0", mobility=str(recording), **SMALL)
    assert wrapped.observation_space.shape == made.observation_space.shape
    whole = on_scenario(load_scenario(recording), AgentMigrationConfig(**SMALL, slots=SLOTS - 1))
    assert whole.slots == SLOTS - 1


def test_the_way_to_a_recording_is_told(recording: Path, trace: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'registry\.make\("agent-migration", mobility='):
        AgentMigration.build(config(recording))
    with pytest.raises(EdgewiseError, match="edgewise mobility import FILE"):
        registry.make("agent-migration", mobility=str(trace), **SMALL)


def test_what_was_added_to_the_configuration_moves_no_stored_result() -> None:
    assert "mobility_sha256" not in to_plain(AgentMigrationConfig())
    assert to_plain(AgentMigrationConfig(mobility_sha256="ab"))["mobility_sha256"] == "ab"
