"""Recordings as people have them: other units, wrong fixes, persons, dates, empty roads, files of the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise.common.errors import EdgewiseError
from edgewise.common.tables import TraceError
from edgewise.systems.agent_migration import commands
from edgewise.systems.agent_migration.files import load_scenario, save_scenario
from edgewise.systems.agent_migration.mobility.persons import person_test
from edgewise.systems.agent_migration.mobility.places import Passages, fill_places, longest_window
from edgewise.systems.agent_migration.mobility.plausible import plausible
from edgewise.systems.agent_migration.mobility.prepare import Preparation, prepare_scenario
from edgewise.systems.agent_migration.mobility.projection import project, reference_of
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario
from edgewise.systems.agent_migration.mobility.trace import TraceFormat, read_trace

Rows = list[tuple[Any, ...]]
ONE = Preparation(vehicles=1, rsus=1, minimum_slots=1)


def write(path: Path, rows: Rows, header: str = "time,id,x,y", separator: str = ",") -> Path:
    path.write_text("\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n")
    return path


def prepared(path: Path, form: TraceFormat = TraceFormat(), options: Preparation = ONE) -> tuple[MobilityScenario, str]:  # noqa: B008
    """The scenario, and what was told."""
    told: list[str] = []
    made = prepare_scenario(read_trace(path, form, told.append), options, told.append)
    return made, "\n".join(told)


def driving(seconds: float = 30.0, metres: float = 300.0, slots: int = 8, vehicles: int = 2) -> Rows:
    return [(t * seconds, f"c{v}", t * metres, 40.0 * v) for t in range(slots) for v in range(vehicles)]


class TestDegrees:
    ROWS: Rows = [(30 * t, "a", 13.4 + 0.0027 * t, 52.5) for t in range(4)]  # noqa: RUF012

    @pytest.mark.parametrize(
        ("header", "form"),
        [
            ("time,id,lon,lat", TraceFormat()),
            ("time,id,lon,lat", TraceFormat(x="lon", y="lat")),
            ("time,id,GPS Longitude,GPS Latitude", TraceFormat(x="gps longitude", y="gps latitude")),
            ("time,id,x,y", TraceFormat()),
        ],
    )
    def test_taken_for_metres_are_refused_with_the_option_that_reads_them(
        self, tmp_path: Path, header: str, form: TraceFormat
    ) -> None:
        with pytest.raises(TraceError, match="edgewise mobility import FILE --lonlat"):
            prepared(write(tmp_path / "t.csv", self.ROWS, header), form)

    def test_are_projected(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.csv", self.ROWS, "time,id,longitude,latitude")
        made, _ = prepared(path, TraceFormat(lonlat=True))
        # 0.0081 degrees of longitude on the ellipsoid at 52.5 degrees north, 67,902 m to the degree
        assert made.area_m == pytest.approx(551, abs=1)
        assert made.reference_deg == pytest.approx((13.40405, 52.5))
        again = load_scenario(save_scenario(tmp_path / "s.npz", made))
        assert again.reference_deg == made.reference_deg
        assert again.sha256 == made.sha256

    def test_units_are_placed_in_degrees_too(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.csv", self.ROWS, "time,id,longitude,latitude")
        by_hand = Preparation(vehicles=1, minimum_slots=1, rsu_positions=((13.40405, 52.501),))
        made, _ = prepared(path, TraceFormat(lonlat=True), by_hand)
        np.testing.assert_allclose(made.rsu_positions, [[0.0, 111.3]], atol=0.1)

    def test_across_the_date_line(self) -> None:
        longitude, latitude = np.array([179.999, -179.999, 179.9995]), np.zeros(3)
        reference = reference_of(longitude, latitude)
        x, _ = project(longitude, latitude, reference)
        assert np.ptp(x) == pytest.approx(0.002 * 111_319.5, rel=1e-3)

    @pytest.mark.parametrize(
        ("header", "row", "said"),
        [
            ("time,id,lon,lat", (9, "b", 13.4, 95.0), "row 6, lat = '95'"),
            ("time,id,lat,lon", (9, "b", 1.0, 2.0), None),
        ],
    )
    def test_impossible_ones(self, tmp_path: Path, header: str, row: tuple[Any, ...], said: str | None) -> None:
        path = write(tmp_path / "t.csv", [*self.ROWS, row], header)
        if said is None:
            with pytest.raises(TraceError, match="must be the longitude"):
                read_trace(path, TraceFormat(x="lat", y="lon", lonlat=True))
        else:
            with pytest.raises(TraceError, match=said):
                read_trace(path, TraceFormat(lonlat=True))

    def test_the_order_is_told_where_titles_do_not(self, tmp_path: Path) -> None:
        _, told = prepared(write(tmp_path / "t.csv", self.ROWS), TraceFormat(lonlat=True))
        assert "longitude read from x, latitude from y: the middle is at longitude 13.40" in told

    def test_among_metres(self, tmp_path: Path) -> None:
        rows = [(t, i, 391_000 + x, 5_819_000 + y) for t, i, x, y in driving()]
        rows += [(t, "z", 13.4 + x / 67_900, 52.5) for t, i, x, _ in driving() if i == "c0"]
        with pytest.raises(TraceError, match="row 18, 8 of 24 positions look like degrees"):
            prepared(write(tmp_path / "t.csv", rows))


class TestTime:
    @pytest.mark.parametrize(("start", "scale", "unit"), [(1.7e12, 1e3, "ms"), (1.7e15, 1e6, "us"), (0, 1e3, "ms")])
    def test_units_other_than_seconds(self, tmp_path: Path, start: float, scale: float, unit: Any) -> None:
        rows = [(f"{start + scale * t:.0f}", i, x, y) for t, i, x, y in driving()]
        path = write(tmp_path / "t.csv", rows)
        with pytest.raises(TraceError, match=f"--time-unit {unit}"):
            prepared(path)
        made, told = prepared(path, TraceFormat(time_unit=unit))
        assert (made.slots, told) == (8, "")

    def test_minutes_are_too_fast(self, tmp_path: Path) -> None:
        rows = [(t / 60, i, x, y) for t, i, x, y in driving()]
        with pytest.raises(TraceError, match="600 m/s: faster than any"):
            prepared(write(tmp_path / "t.csv", rows))

    @pytest.mark.parametrize("pattern", ["2024-03-31 01:{:02d}:{:02d}", "2024-03-31T01:{:02d}:{:02d}Z"])
    def test_dates_count_from_the_first(self, tmp_path: Path, pattern: str) -> None:
        rows = [(pattern.format(int(t) // 60, int(t) % 60), i, x, y) for t, i, x, y in driving()]
        made, _ = prepared(write(tmp_path / "t.csv", rows))
        assert made.window == (0.0, 210.0)
        plain, _ = prepared(write(tmp_path / "p.csv", driving()))
        assert made.sha256 == plain.sha256

    def test_a_date_among_numbers(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.csv", [(1, "a", 0, 0), ("2024-03-31 01:30:00", "a", 5, 0)])
        with pytest.raises(TraceError, match="row 3, time = '2024-03-31 01:30:00': must be a number"):
            read_trace(path)

    def test_a_word_is_no_time(self, tmp_path: Path) -> None:
        with pytest.raises(TraceError, match="time = 'noon': must be a number or an ISO date"):
            read_trace(write(tmp_path / "t.csv", [("noon", "a", 0, 0)]))


class TestFixes:
    @pytest.mark.parametrize("wrong", [(-1073741824.0, -1073741824.0), (0.0, 0.0), (905000.0, 907000.0)])
    @pytest.mark.parametrize("places", [[13], [0], [13, 16, 19], [37]])
    def test_wrong_ones_are_left_out_and_told(
        self, tmp_path: Path, wrong: tuple[float, float], places: list[int]
    ) -> None:
        rows = [(t, i, 15000 + x / 3, 17000 + 3 * y) for t, i, x, y in driving(slots=13, vehicles=3)]
        good, _ = prepared(write(tmp_path / "g.csv", rows))
        bad = [(*row[:2], *wrong) if k in places else row for k, row in enumerate(rows)]
        made, told = prepared(write(tmp_path / "t.csv", bad))
        assert made.area_m <= good.area_m
        assert f"row{'s' * (len(places) > 1)} {places[0] + 2}" in told
        assert f"{len(places)} position" in told

    def test_good_ones_stay(self, tmp_path: Path) -> None:
        _, told = prepared(write(tmp_path / "t.csv", driving(vehicles=3)))
        assert told == ""

    def test_too_many_are_refused(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        rows = [(t, f"c{v}", *rng.uniform(0, 9000, 2)) for t in range(40) for v in range(3)]
        with pytest.raises(TraceError, match=r"m/s|positions"):
            prepared(write(tmp_path / "t.csv", rows))

    def test_of_two_halves_that_no_drive_joins_the_longer_one_stays(self) -> None:
        kind = [("row", int), ("vehicle", int), ("time", float), ("x", float), ("y", float)]
        rows = [(k, 0, 10.0 * k, 100.0 * k + (0 if k < 7 else 80_000), 0.0) for k in range(10)]
        rows += [(10 + k, 1, 10.0 * k, 100.0 * k, 5.0) for k in range(12)]
        kept = plausible(np.array(rows, dtype=kind), "t", [].append)
        assert set(kept["row"]) == set(range(7)) | set(range(10, 22))

    @pytest.mark.parametrize(("metres", "said"), [(0.0, "within"), (0.5, "within"), (2.0, "no vehicle drives faster")])
    def test_nothing_that_moves(self, tmp_path: Path, metres: float, said: str) -> None:
        rows = [(t, i, x, 9 * y / 40) for t, i, x, y in driving(metres=metres)]
        with pytest.raises(TraceError, match=said):
            prepared(write(tmp_path / "t.csv", rows))

    def test_a_repeated_row_is_left_out_and_told(self, tmp_path: Path) -> None:
        rows = driving()
        made, told = prepared(write(tmp_path / "t.csv", [row for row in rows for _ in range(2)]))
        plain, _ = prepared(write(tmp_path / "p.csv", rows))
        assert made.sha256 == plain.sha256
        assert f"left out: {len(rows)}, first 3" in told


class TestPersons:
    SUMO = "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_type;vehicle_lane;vehicle_edge"

    def sumo(self, person: str) -> Rows:
        rows: Rows = []
        for t in range(4):
            rows.append((30.0 * t, "0", 300 * t, 5, "DEFAULT_VEHTYPE", "e_0", ""))
            rows.append((30.0 * t, "p", 30 * t, 9, person, "", "e"))
        return rows

    @pytest.mark.parametrize("person", ["DEFAULT_PEDTYPE", "tourist"])
    def test_in_sumos_csv_are_no_vehicles_as_in_its_xml(self, tmp_path: Path, person: str) -> None:
        rows = self.sumo(person)
        table, told = prepared(write(tmp_path / "t.csv", rows, self.SUMO, ";"))
        steps = []
        for t in range(4):
            inside = "".join(
                f'<{tag} id="{row[1]}" x="{row[2]}" y="{row[3]}"/>'
                for tag, row in zip(("vehicle", "person"), rows[2 * t : 2 * t + 2], strict=True)
            )
            steps.append(f'<timestep time="{rows[2 * t][0]}">{inside}</timestep>')
        (tmp_path / "t.xml").write_text(f"<fcd-export>{''.join(steps)}</fcd-export>")
        markup, _ = prepared(tmp_path / "t.xml")
        assert table.sha256 == markup.sha256
        assert "persons left out: 4" in told

    @pytest.mark.parametrize(
        ("title", "person", "car"),
        [("type", "pedestrian", "moped"), ("class", "Person", "personal_car"), ("vehicle_tag", "person", "vehicle")],
    )
    def test_by_what_a_column_says(self, title: str, person: str, car: str) -> None:
        is_person = person_test(["time", "id", "x", "y", title])
        assert is_person is not None
        assert is_person(["0", "a", "1", "2", person])
        assert not is_person(["0", "a", "1", "2", car])

    def test_that_cannot_be_told_are_remarked_on(self, tmp_path: Path) -> None:
        header = "timestep_time;vehicle_id;vehicle_x;vehicle_y"
        _, told = prepared(write(tmp_path / "t.csv", driving(), header, ";"))
        assert "does not tell persons from vehicles" in told


class TestWindow:
    def filling(self) -> Rows:
        """Ten vehicles that start one after another and each drive for twenty slots."""
        return [(30.0 * (v + t), f"v{v}", 240.0 * t, 50.0 * v) for v in range(10) for t in range(20)]

    def test_the_longest_in_which_places_are_filled(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.csv", sorted(self.filling()))
        options = Preparation(vehicles=8, rsus=2)
        made, told = prepared(path, options=options)
        assert made.places >= 8
        first, last = made.window
        assert f"window from {first:g} to {last:g} s" in told
        by_hand, _ = prepared(path, options=Preparation(vehicles=8, rsus=2, window=made.window))
        assert by_hand.sha256 == made.sha256
        for wider in ((first - 30, last), (first, last + 30)):
            with pytest.raises(TraceError, match=f"--window {first:g} {last:g}"):
                prepared(path, options=Preparation(vehicles=8, rsus=2, window=wider))

    def test_none(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.csv", sorted(self.filling()))
        with pytest.raises(TraceError, match="at most 10 are present at a time, 11 are wanted"):
            prepared(path, options=Preparation(vehicles=11, rsus=2))

    def test_a_full_road_is_used_whole(self, tmp_path: Path) -> None:
        made, told = prepared(write(tmp_path / "t.csv", driving()))
        assert (made.window, told) == ((0.0, 210.0), "")


def test_an_extent_of_several_countries_is_told(tmp_path: Path) -> None:
    rows = [(t, i, x + 1e6 * (i == "c1"), y) for t, i, x, y in driving()]
    _, told = prepared(write(tmp_path / "t.csv", rows))
    assert "up to 1,002 km apart" in told


def test_the_title_as_it_was_given_comes_first(tmp_path: Path) -> None:
    rows = [(*row, 9.0) for row in driving()]
    path = write(tmp_path / "t.csv", rows, "time,id,x,y,X")
    with pytest.raises(TraceError, match=r"x: 'x' \(column 3\), 'X' \(column 5\): must have titles of their own"):
        read_trace(path)
    assert set(read_trace(path, TraceFormat(x="X"))["x_m"]) == {9.0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("0 a 1 2\n30 a 5 2\n", "spaces separate the columns.*header is missing"),
        ("time id x y\n0 a 1 2\n", "spaces separate the columns"),
        ("a,0,1,2\na,30,5,2\n", "header is missing"),
        ("when,id,x,y\n0,a,1,2\n", "time: .*edgewise mobility import FILE --time NAME"),
    ],
)
def test_what_a_first_row_lacks(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(TraceError, match=said):
        read_trace(path)


class TestImport:
    @pytest.fixture
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "trip.csv", driving())
        return tmp_path

    WORDS = ("import", "trip.csv", "--vehicles", "1", "--rsus", "1", "--json")

    def test_files_of_the_user_stay(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("trip.npz", "trip-2.png"):
            (here / name).write_text("mine")
        assert commands.run(list(self.WORDS)) == 0
        out, err = capsys.readouterr()
        facts = json.loads(out)
        assert [facts["output"], facts["map"]] == ["trip-2.npz", "trip-2-2.png"]
        assert "trip.npz" in err
        assert {(here / name).read_text() for name in ("trip.npz", "trip-2.png")} == {"mine"}
        assert load_scenario(here / facts["output"]).slots == 8
        assert (here / facts["map"]).read_bytes().startswith(b"\x89PNG")

    def test_files_of_our_own_are_replaced(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        found = []
        for _ in range(2):
            commands.run(list(self.WORDS))
            facts = json.loads(capsys.readouterr().out)
            found.append((facts["output"], facts["map"]))
        assert found == [("trip.npz", "trip.png")] * 2

    def test_the_recording_itself_is_no_output(self, here: Path) -> None:
        (here / "trip.npz").write_bytes((here / "trip.csv").read_bytes())
        with pytest.raises(EdgewiseError, match="another file than the recording"):
            commands.run(["import", "trip.npz", "--output", "trip.npz", "--vehicles", "1", "--rsus", "1"])


@pytest.mark.parametrize("seed", range(4))
def test_no_window_is_longer_than_the_longest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slots, vehicles, how = 24, 3, (6, 3, 0)
    first = np.sort(rng.integers(0, slots, 18))
    last = np.minimum(first + rng.integers(2, 12, 18), slots - 1)
    length = last - first + 1
    passages = Passages(first, last, np.cumsum(length) - length, rng.uniform(0, 1000, (length.sum(), 2)))
    filled = [
        end - begin
        for begin in range(slots)
        for end in range(begin + 1, slots)
        if fill_places(passages.cut(begin, end), end - begin + 1, *how)[0].shape[1] >= vehicles
    ]
    found = longest_window(passages, slots, vehicles, *how)
    assert found is not None
    assert found[1] - found[0] == max(filled)
