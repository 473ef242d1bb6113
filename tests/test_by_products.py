"""Files beside an answer: they never replace a user's file, and a figure that cannot be drawn is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from edgewise.cli.main import main
from edgewise.common.by_products import free_name, is_own_figure, is_own_page, plot_beside
from edgewise.drawing.style import new_figure, save_figure
from edgewise.reports.folder import require_own_folder
from edgewise.reports.page import render
from edgewise.reports.record import RECORD

MARKET = {
    "satisfaction": [30, 25],
    "sensitivity": [30, 30],
    "social": [[0, 5], [5, 0]],
    "cost": [0.3, 0.1],
    "price_cap": 1.5,
    "payment_scale": 15,
    "leader_scale": 100,
}


def draw(path: Path) -> None:
    save_figure(new_figure(1.0, 1.0)[0], path)


def test_own_figures_are_known_and_replaced(tmp_path: Path) -> None:
    usual = tmp_path / "market.png"
    for _ in range(2):
        assert plot_beside(None, usual, draw) == (usual, f"figure: {usual}")
    assert is_own_figure(usual)
    assert list(tmp_path.iterdir()) == [usual]


def test_the_files_of_others_stay(tmp_path: Path) -> None:
    usual = tmp_path / "market.png"
    usual.write_bytes(b"\x89PNG mine")
    (tmp_path / "market-2.png").mkdir()
    (tmp_path / "market-3.png").symlink_to("nowhere")
    told = plot_beside(None, usual, draw).line
    assert told == f"figure: {tmp_path / 'market-4.png'} (market.png was not written by edgewise, and stays)"
    assert usual.read_bytes() == b"\x89PNG mine"
    assert plot_beside(usual, usual, draw).line == f"figure: {usual}"  # named by the user
    assert is_own_figure(usual)
    packed = tmp_path / "trip.csv.gz"
    packed.touch()
    assert free_name(packed, lambda path: False) == tmp_path / "trip-2.csv.gz"
    assert free_name(packed, lambda path: True) == packed


def test_a_figure_that_cannot_be_drawn_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path, told = plot_beside(None, tmp_path / "file" / "x.png", draw)
    assert path is None
    assert told.startswith("figure: not drawn: ")
    assert "\n" not in told


@pytest.fixture
def market(tmp_path: Path) -> Path:
    file = tmp_path / "market.yaml"
    file.write_text(yaml.safe_dump(MARKET))
    return file


def test_the_answer_does_not_depend_on_the_figure(market: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (market.parent / "market.png").write_text("mine")
    assert main(["solve", "twin-trading", "--instance", str(market)]) == 0
    told = capsys.readouterr().out
    assert f"figure: {market.parent / 'market-2.png'} (market.png was not" in told
    assert (market.parent / "market.png").read_text() == "mine"
    (market.parent / "file").touch()
    lost = str(market.parent / "file" / "x.png")
    assert main(["solve", "twin-trading", "--instance", str(market), "--figure", lost, "--json"]) == 0
    answer = capsys.readouterr()
    assert json.loads(answer.out)["certificate"] < 1e-6
    assert "figure: not drawn" in answer.err
    assert max(map(len, told.splitlines()[:-1])) <= 100


def test_own_pages_are_known(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<!doctype html><title>mine</title>")
    assert free_name(page, is_own_page) == tmp_path / "report-2.html"
    page.write_text(render("experiments.html", name="x", verdicts={}, classes={}, counted={}, experiments=[]))
    assert free_name(page, is_own_page) == page


def test_an_experiment_takes_no_place_of_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "fig5"
    require_own_folder(folder)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    draw(folder / "figure.png")
    require_own_folder(folder)  # one that was stopped while it wrote
    (folder / "figure.png").write_text("mine")
    with pytest.raises(ValueError, match=r"fig5 holds figure\.png, which edgewise did not write"):
        require_own_folder(folder)
    (folder / RECORD).write_text("{}")
    require_own_folder(folder)
