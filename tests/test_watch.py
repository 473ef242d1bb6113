"""Runs of a folder, read while they are written: curves, differences of their configurations, ranking."""

from __future__ import annotations

import io
import os
import time

import pytest
import yaml
from rich.console import Console

from edgewise.cli.main import main
from edgewise.reports.watch_page import content
from edgewise.reports.watch_text import BLOCKS, cut, sparkline, text_of
from edgewise.reports.watched import SHOWN, age_words, panel, read_run, watch


def write_run(folder, algorithm, latencies, environment="agent-migration", **fields):
    folder.mkdir(parents=True)
    config = {
        "edgewise": "0",
        "environment": environment,
        "environment_config": {"vehicles": 8},
        "algorithm": algorithm,
        "algorithm_config": {"rate": 0.001, f"only_of_{algorithm}": 1, **fields},
        "training": {"steps": 4000, "seeds": 2},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / ".lock").touch()
    if latencies:
        rows = [f"{1000 * n},{seed},{value + seed}" for n, value in enumerate(latencies, 1) for seed in (0, 1)]
        (folder / "metrics.csv").write_text("\n".join(["steps,seed,latency", *rows]))
    return folder


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "runs" / "a" / "first", "cgdm", [400.0, 350.0])
    best = write_run(tmp_path / "runs" / "b" / "best", "sac", [380.0, 300.0, 310.0, 305.0], rate=0.01)
    (best / "test.json").write_text("{}")
    write_run(tmp_path / "runs" / "new", "cgdm", [])
    write_run(tmp_path / "runs" / "balance", "ppo", [1.0], "a-system-that-is-gone")
    return tmp_path / "runs"


def test_runs_are_ranked_by_their_best_evaluation_in_groups_of_one_environment(runs):
    groups, faults = watch(runs)
    assert [group.environment for group in groups] == ["a-system-that-is-gone", "agent-migration"] or faults
    group = groups[-1]
    assert [run.name for run in group.runs] == ["b/best", "a/first", "new"]
    assert [run.state for run in group.runs] == ["done", "running", "waiting"]
    assert [run.best for run in group.runs[:2]] == [300.5, 350.5]
    assert group.runs[1].steps == (1000.0, 2000.0)
    assert (group.runs[1].lows, group.runs[1].highs) == ((400.0, 350.0), (401.0, 351.0))
    assert [run.part for run in group.runs] == [1.0, 0.5, 0.0]
    assert dict(group.differences) == {"algorithm": ("sac", "cgdm", "cgdm"), "rate": ("0.01", "0.001", "0.001")}
    drawn = panel(group)
    assert [curve.label for curve in drawn.curves] == ["b/best (sac)", "a/first (cgdm)"]
    assert drawn.x_range == (0.0, 4000.0)


def test_what_is_written_meanwhile_is_seen(runs):
    first = runs / "a" / "first"
    before = read_run(first, "first")
    with (first / "metrics.csv").open("a") as file:
        file.write("\n3000,0,200.0\n3000,1,202.0")
    os.utime(first / "metrics.csv", ns=(time.time_ns(), time.time_ns() + 10**6))
    after = read_run(first, "first")
    assert (before.best, after.best) == (350.5, 201.0)
    (first / ".lock").unlink()
    assert read_run(first, "first").state == "stopped"


def test_a_run_that_went_quiet_says_so(runs):
    metrics = runs / "a" / "first" / "metrics.csv"
    assert read_run(metrics.parent, "first").state_words == "running"
    os.utime(metrics, (time.time() - 7300, time.time() - 7300))
    assert read_run(metrics.parent, "first").state_words == "quiet 2 h"


def test_a_damaged_run_is_named_and_the_others_are_shown(runs):
    (runs / "a" / "first" / "metrics.csv").write_text("steps,seed,latency\n1000,0,broken")
    (runs / "new" / "config.yaml").write_text("environment: [")
    groups, faults = watch(runs)
    assert [run.name for run in groups[-1].runs] == ["b/best"]
    assert len(faults) >= 2
    assert any("metrics.csv: latency" in fault for fault in faults)
    assert "metrics.csv" in content(runs)


def test_the_terminal_view_fits_into_80_columns(runs):
    write_run(runs / ("long/" * 12) / "f85b2dc798feac4a", "entity-of-a-long-name", [1e3, 2e3])
    file = io.StringIO()
    Console(file=file, width=80, highlight=False).print(text_of(runs, 80))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    best = next(line for line in lines if "b/best" in line)
    for word in ("1", "sac", "300.5", "305.5", "100%", "done"):
        assert word in best
    assert any(block in best for block in BLOCKS)


def test_the_command_prints_once_where_output_is_no_terminal(runs, capsys):
    assert main(["watch", str(runs), "--text"]) == 0
    assert "b/best" in capsys.readouterr().out
    assert main(["watch", str(runs / "nothing")]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_the_page_has_every_run_and_names_of_others_stay_text(runs):
    write_run(runs / "<b>bold", "cgdm", [390.0])
    page = content(runs)
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page
    assert page.count("<tr>") >= 5
    assert 'aria-label="total latency' in page


def test_the_best_of_many_runs_are_drawn(tmp_path):
    for number in range(SHOWN + 3):
        write_run(tmp_path / f"run-{number:02}", "cgdm", [400.0 + number])
    (group,), _ = watch(tmp_path)
    drawn = panel(group)
    assert [curve.label for curve in drawn.curves] == [f"run-{number:02}" for number in range(SHOWN)]
    assert len({(curve.tone, curve.dashed) for curve in drawn.curves}) == SHOWN
    assert f"the best {SHOWN} of {SHOWN + 3} runs" in drawn.title


def test_words():
    assert [age_words(seconds) for seconds in (float("nan"), 5, 120, 7300, 200_000)] == [
        "–",
        "5 s",
        "2 min",
        "2 h",
        "2 d",
    ]
    assert sparkline((0.0, 1.0), 0.0, 1.0) == BLOCKS[0] + BLOCKS[-1]
    assert cut("abcdefghij", 10) == "abcdefghij"
    assert len(cut("abcdefghijk", 10)) == 10
