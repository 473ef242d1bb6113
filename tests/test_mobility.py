"""Recorded trajectories: reading, preparing, splitting, replaying, generating."""

from __future__ import annotations

import gzip
from pathlib import Path

import jax
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.tables import TraceError
from edgewise.environments import registry
from edgewise.systems.agent_migration.build import environment, on_scenario
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.files import load_scenario, save_scenario, shipped_scenario
from edgewise.systems.agent_migration.mobility.prepare import Preparation, prepare_scenario
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario, split_in_time
from edgewise.systems.agent_migration.mobility.sumo import Traffic, generate_with_sumo
from edgewise.systems.agent_migration.mobility.trace import TraceFormat, read_trace

HEADER = "time_s,vehicle_id,x_m,y_m"
SMALL = {"slot_seconds": 10.0, "vehicles": 2, "rsus": 2}


def records(vehicles: int = 4, seconds: int = 200) -> list[tuple[int, str, float, float]]:
    return [(t, f"car{v}", 100.0 * v + 2 * t, 50.0 * v) for t in range(0, seconds + 1, 4) for v in range(vehicles)]


def write_csv(
    path: Path, rows: list[tuple[int, str, float, float]], header: str = HEADER, separator: str = ","
) -> Path:
    lines = [header.replace(",", separator), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_fcd(path: Path, rows: list[tuple[int, str, float, float]]) -> Path:
    text = ["<fcd-export>"]
    for time in sorted({row[0] for row in rows}):
        text.append(f'<timestep time="{time}.00">')
        text += [f'<vehicle id="{i}" x="{x}" y="{y}" speed="2.0"/>' for t, i, x, y in rows if t == time]
        text.append("</timestep>")
    path.write_text("\n".join([*text, "</fcd-export>"]))
    return path


def scenario(tmp_path: Path, **options: object) -> MobilityScenario:
    return prepare_scenario(read_trace(write_csv(tmp_path / "t.csv", records())), Preparation(**{**SMALL, **options}))


def test_formats_agree(tmp_path: Path) -> None:
    plain = read_trace(write_csv(tmp_path / "a.csv", records()))
    packed = tmp_path / "b.bin"
    packed.write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    fcd = write_fcd(tmp_path / "c.xml", records())
    other = write_csv(tmp_path / "d.txt", records(), "Timestamp;ID;X;Y", ";")
    named = write_csv(tmp_path / "e.csv", records(), "when,who,east,north")
    assert len(plain) == len(records())
    for trace in (
        read_trace(packed), read_trace(fcd), read_trace(other),
        read_trace(named, TraceFormat("when", "who", "east", "north")),
    ):  # fmt: skip
        np.testing.assert_allclose(trace[["time_s", "x_m", "y_m"]], plain[["time_s", "x_m", "y_m"]])
        assert list(trace["vehicle_id"]) == list(plain["vehicle_id"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("time_s,vehicle_id,x_m\n1,a,2\n", "y"),
        (f"{HEADER}\n1,a,2,3\n2,a,what,3\n", "what"),
        (f"{HEADER}\n1,a,2,3\n2,a,nan,3\n", "row 3, x_m = 'nan'"),
        (f"{HEADER}\n1,a,2,3\n2,a,inf,3\n", "row 3, x_m = 'inf'"),
        (f"{HEADER}\n5,a,2,3\n4,a,2,3\n", "row 3, time_s = 4: goes back"),
        (f"{HEADER}\n5,a,2,3\n5,a,2,9\n", "row 3, time_s = 5: repeats"),
        ("<fcd-export><timestep time='1'><vehicle id='a' x='1'", "broken"),
        ("<fcd-export><timestep time='1'><vehicle id='a' x='1'/></timestep></fcd-export>", "y"),
    ],
)
def test_bad_traces_get_one_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "broken.csv"
    file.write_text(content)
    with pytest.raises(TraceError) as caught:
        read_trace(file)
    assert "\n" not in str(caught.value)
    assert "broken.csv" in str(caught.value)
    assert said in str(caught.value)


def test_errors_name_the_row(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"{HEADER}\n1,a,2,3\n2,a,2,3\n3,a,nan,3\n")
    with pytest.raises(TraceError, match="4"):
        read_trace(file)


def test_truncated_gzip_and_missing_file(tmp_path: Path) -> None:
    whole = gzip.compress(write_csv(tmp_path / "t.csv", records()).read_bytes())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    for name in ("cut.csv.gz", "nowhere.csv"):
        with pytest.raises(TraceError, match=name):
            read_trace(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": (5000.0, 6000.0)}, "window"),
        ({"vehicles": 9, "places": 9}, "4 vehicles"),
        ({"slot_seconds": 0.0}, "slot_seconds"),
        ({"rsus": 0}, "rsus"),
        ({"coverage_m": -1.0}, "coverage_m"),
    ],
)
def test_impossible_scenarios_are_refused(tmp_path: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(EdgewiseError, match=said):
        scenario(tmp_path, **options)


def test_one_vehicle_is_not_enough(tmp_path: Path) -> None:
    trace = read_trace(write_csv(tmp_path / "t.csv", records(vehicles=1)))
    with pytest.raises(TraceError, match="1 vehicles"):
        prepare_scenario(trace, Preparation(**SMALL))


def test_positions_are_interpolated(tmp_path: Path) -> None:
    made = scenario(tmp_path)
    assert made.positions.shape == (21, 4, 2)
    assert not made.handover.any()
    # every vehicle drives 2 m/s along x: 20 m in a slot of 10 s, though records fall every 4 s
    np.testing.assert_allclose(np.diff(made.positions[..., 0], axis=0), 20.0, rtol=1e-5)
    np.testing.assert_allclose(np.sort(made.positions[0, :, 0]), [0, 100, 200, 300], atol=1e-3)


def test_a_place_passes_to_the_next_vehicle(tmp_path: Path) -> None:
    rows = [(t, "stays", 0.0, float(t)) for t in range(0, 201, 10)]
    rows += [(t, "early", 500.0, float(t)) for t in range(0, 101, 10)]
    rows += [(t, "late", 900.0, float(t)) for t in range(90, 201, 10)]
    made = prepare_scenario(read_trace(write_csv(tmp_path / "t.csv", sorted(rows))), Preparation(**SMALL))
    assert made.positions.shape[1] == 2
    place = int(np.argmax(made.positions[0, :, 0]))
    slot = int(np.flatnonzero(made.handover[:, place])[0])
    assert made.handover.sum() == 1
    assert made.positions[slot - 1, place, 0] == 500
    assert made.positions[slot, place, 0] == 900


def test_units_are_deterministic_or_by_hand(tmp_path: Path) -> None:
    first, again = scenario(tmp_path, seed=3), scenario(tmp_path, seed=3)
    np.testing.assert_array_equal(first.rsu_positions, again.rsu_positions)
    by_hand = scenario(tmp_path, rsu_positions=((1.0, 2.0), (300.0, 4.0), (5.0, 6.0)), coverage_m=77.0)
    np.testing.assert_array_equal(by_hand.rsu_positions, [[1, 2], [300, 4], [5, 6]])
    assert by_hand.coverage_m == 77


def test_saved_and_loaded(tmp_path: Path) -> None:
    made = scenario(tmp_path)
    loaded = load_scenario(save_scenario(tmp_path / "s.npz", made))
    np.testing.assert_array_equal(loaded.positions, made.positions)
    assert (loaded.source, loaded.coverage_m, loaded.window) == (made.source, made.coverage_m, made.window)
    whole = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EdgewiseError, match=r"cut\.npz"):
        load_scenario(tmp_path / "cut.npz")


def test_the_parts_share_no_slot(tmp_path: Path) -> None:
    made = scenario(tmp_path)
    earlier, later = split_in_time(made, 0.6)
    assert len(earlier.positions) + len(later.positions) == len(made.positions)
    assert earlier.window[1] < later.window[0]
    np.testing.assert_array_equal(np.concatenate([earlier.positions, later.positions]), made.positions)


def test_replay_follows_the_recording(tmp_path: Path) -> None:
    made = scenario(tmp_path)
    replayed = on_scenario(made, AgentMigrationConfig(vehicles=2, slots=8))

    def play(key: jax.Array) -> jax.Array:
        state, _ = replayed.reset(key)

        def advance(state, key):
            where = replayed.mobility.positions(state.mobility)
            state, timestep = replayed.step(key, state, replayed.action_space.sample(key))
            return state, (where, timestep.observation)

        return jax.lax.scan(advance, state, jax.random.split(key, 8))[1]

    where, observation = jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(0), 20))
    tracks = made.positions.transpose(1, 0, 2)
    starts = set()
    for episode in np.asarray(where):
        for vehicle in range(2):
            matches = [
                (place, start)
                for place in range(4)
                for start in range(14)
                if np.allclose(tracks[place, start : start + 8], episode[:, vehicle], atol=1e-3)
            ]
            assert len(matches) == 1
            starts.add(matches[0][1])
    assert len(starts) > 5
    space = replayed.observation_space
    assert (np.asarray(observation) >= space.low).all()
    assert (np.asarray(observation) <= space.high).all()


def test_the_shipped_recording_trains_and_judges_on_different_parts() -> None:
    shipped = shipped_scenario()
    assert len(shipped.positions) >= 100
    config = AgentMigrationConfig(mobility="grid", slots=40)
    training, evaluation = (environment(config, part) for part in ("training", "evaluation"))
    assert training.rsus == evaluation.rsus == len(shipped.rsu_positions)
    entry = registry.find("agent-migration")
    np.testing.assert_array_equal(entry.build(config).mobility.recording, training.mobility.recording)
    np.testing.assert_array_equal(entry.build_evaluation(config).mobility.recording, evaluation.mobility.recording)
    with pytest.raises(ConfigurationError, match="slots = 100"):
        environment(AgentMigrationConfig(mobility="grid", slots=100), "training")


def test_a_network_is_one_and_is_not_replaced(tmp_path: Path) -> None:
    network = tmp_path / "town.net.xml"
    for content in (b"<routes/>", b"no XML", gzip.compress(b"<net></net>" * 99, mtime=0)[:20], b""):
        network.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"town\.net\.xml.*: must be a road network of SUMO"):
            Traffic(network=network)
    for content in (b"<?xml version='1.0'?><!-- made by hand --><net version='1'/>", gzip.compress(b"<net>")):
        network.write_bytes(content)
        traffic = Traffic(network=network)
        with pytest.raises(ConfigurationError, match="another file than the network"):
            generate_with_sumo(network, traffic)
        assert network.read_bytes() == content
    with pytest.raises(ConfigurationError, match="a file, not a folder"):
        generate_with_sumo(tmp_path, Traffic())


@pytest.mark.slow
def test_sumo_generates_what_we_read(tmp_path: Path) -> None:
    pytest.importorskip("sumo")
    path = generate_with_sumo(
        tmp_path / "grid.xml.gz",
        Traffic(
            rows=3, columns=3, block_m=200.0, seconds=120.0, vehicles=60, warm_up_seconds=60.0, shortest_trip_m=200.0
        ),
    )
    trace = read_trace(path)
    assert trace["vehicle_id"].nunique() > 5
    assert trace["time_s"].max() - trace["time_s"].min() > 60
    with pytest.raises(ConfigurationError, match="rows"):
        Traffic(rows=1)
