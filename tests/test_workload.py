"""Recorded requests and providers from files: reading, preparing, splitting, replaying, generating, training on them."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.cli import main
from edgewise.common.errors import ConfigurationError
from edgewise.common.tables import TraceError
from edgewise.environments import registry
from edgewise.systems.service_selection import build
from edgewise.systems.service_selection.arrivals import RecordedArrivals
from edgewise.systems.service_selection.bursts import generate_bursts
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.files import load_providers
from edgewise.systems.service_selection.load import measure_load
from edgewise.systems.service_selection.requests import Requests, read_requests
from edgewise.systems.service_selection.sampling import Providers
from edgewise.systems.service_selection.workload import (
    COLUMNS,
    Workload,
    find_workload,
    fit_workload,
    is_own_workload,
    is_workload,
    load_workload,
    save_workload,
    split_in_time,
)
from pictures import shows_something

HEADER = "time_s,size"
AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:16:46.6805900,10,55
"""
BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,GPT-4,1087,230,1317,API log
"""
PROVIDERS = "capacity,start_steps,start_score,end_steps,end_score\n400,50,0.1,200,0.9\n900,0,0.2,180,0.6\n"


def written(folder: Path, text: str, name: str = "requests.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_known_traces_need_no_column_names(tmp_path: Path) -> None:
    azure = read_requests(written(tmp_path, AZURE))
    np.testing.assert_allclose(np.diff(azure.time_s), [4.314579, 55.685421], atol=1e-5)
    np.testing.assert_array_equal(azure.size, [44, 109, 55])
    burst = read_requests(written(tmp_path, BURSTGPT))
    assert (list(burst.time_s), list(burst.size), burst.size_column) == ([5, 45], [18, 230], "Response tokens")


def test_other_columns_separators_zones_and_gzip(tmp_path: Path) -> None:
    text = "when;how much;who\n2024-01-01T01:00:00+01:00;1,5;a\n2024-01-01T00:00:10Z;2;b\n2024-01-01T00:01:00;0;c\n"
    packed = tmp_path / "data.bin"
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (written(tmp_path, text), packed):
        requests = read_requests(path, time_column="when", size_column="How Much")
        np.testing.assert_allclose(requests.time_s - requests.time_s[0], [0, 10, 60])
        np.testing.assert_array_equal(requests.size, [1.5, 2, 0])


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("time_s;tokens\n0,5;10\n1;500\n2;2.048\n", [10, 500, 2048]),  # decimal commas, so points part thousands
        ("time_s;tokens\n0;1.234.567\n1;2.048\n", [1234567, 2048]),
        ('time_s,tokens\n0,"1,234.5"\n1,"2,048"\n2,7\n', [1234.5, 2048, 7]),
        ("time_s\ttokens\n0\t1'000\n1\t1 000\n2\t1_000\n", [1000, 1000, 1000]),
        ("time_s;tokens\n0.000;12.125\n1.500;9.250\n", [12.125, 9.25]),  # three decimals throughout
        ("time_s,tokens\n0,5\n1,2.048\n2,7.5\n", [5, 2.048, 7.5]),
        ("time_s,tokens\n0,2.5e3\n1,7\n", [2500, 7]),
        ("time_s;tokens\n0;1'234.5\n1;2'000.25\n2;7\n", [1234.5, 2000.25, 7]),
        ("sep=;\ntime_s;tokens\n0;5\n1;9\n", [5, 9]),
        ("# made by hand\n#\n# time_s,tokens\n0,5\n1,9\n", [5, 9]),
        ("# made by hand\ntime_s,tokens\n0,5\n1,9\n", [5, 9]),
    ],
)
def test_numerals_are_read_as_their_file_writes_them(tmp_path: Path, text: str, sizes: list[float]) -> None:
    np.testing.assert_array_equal(read_requests(written(tmp_path, text)).size, sizes)


@pytest.mark.parametrize(
    "text",
    [
        '{"timestamp": 0, "usage": {"completion_tokens": 2.048}, "prompt": "a, b"}\n\n'
        '{"timestamp": 5, "usage": {"completion_tokens": 30}, "model": null}\n',
        '[{"timestamp": 0, "output_length": 2.048},\n {"timestamp": 5, "output_length": 30}]',
        '{"version": 1, "requests": [\n{"timestamp": 0, "output_tokens": 2.048}, {"timestamp": 5, "output_tokens": 30}]}',
        '{"meta": {"n": 2}, "data": {"all": [{"timestamp": 0, "output_tokens": 2.048}, {"timestamp": 5, "output_tokens": 30}]}}',
    ],
)
def test_json_is_read_as_requests(tmp_path: Path, text: str) -> None:
    requests = read_requests(written(tmp_path, text, "log.jsonl"))
    np.testing.assert_array_equal(requests.time_s, [0, 5])
    np.testing.assert_array_equal(requests.size, [2.048, 30])


def test_long_fields_and_utf_16_do_no_harm(tmp_path: Path) -> None:
    text = "time_s,tokens,prompt\n0,5,hello\n1,9," + "x" * 140_000 + "\n2,7,bye\n"
    np.testing.assert_array_equal(read_requests(written(tmp_path, text)).size, [5, 9, 7])
    wide = tmp_path / "wide.csv"
    wide.write_bytes(text.encode("utf-16"))
    np.testing.assert_array_equal(read_requests(wide).size, [5, 9, 7])


@pytest.mark.parametrize(
    ("text", "kept", "failed"),
    [
        ("Timestamp,Model,Response tokens\n5,a,40\n9,a,0\n12,b,90\n", [40, 90], 1),
        ("time,tokens,status\n1,4,200\n2,5,500\n3,,error\n4,6,success\n", [4, 6], 2),
        ("time,tokens,error\n1,4,\n2,5,connection reset\n3,6,none\n", [4, 6], 1),
        ("time,tokens,success\n1,4,true\n2,5,False\n3,6,1\n", [4, 6], 1),
        (
            '{"time": 1, "tokens": 4, "ok": true}\n{"time": 2, "tokens": null, "ok": false}\n{"time": 3, "tokens": 5}\n',
            [4, 5],
            1,
        ),
        ("time,tokens,HTTP Status\n1,4,200.0\n2,5,500.0\n3,6,HTTP/1.1 503\n4,7,200 OK\n", [4, 7], 2),
        ("time,tokens,status\n1,4,completed\n2,5,client disconnected\n3,6,TIMEOUT_ERROR\n4,7,stop\n", [4, 7], 2),
        ("time,tokens,is_error\n1,4,0\n2,5,1\n3,6,n\n", [4, 6], 1),
        ("time,tokens,exit_code\n1,4,0\n2,5,137\n3,6,0\n", [4, 6], 1),
        ("time,tokens,error_code\n1,4,200\n2,5,429\n3,6,0\n", [4, 6], 1),
        ("time,output_tokens\n1,4\n2,\n3,6\n", [4, 6], 1),
        (
            '{"time": 1, "tokens": 4}\n{"time": 2, "error": {"code": 500}}\n{"time": 3, "tokens": 5, "error": {}}\n',
            [4, 5],
            1,
        ),
    ],
)
def test_failed_requests_are_left_out_and_counted(tmp_path: Path, text: str, kept: list[float], failed: int) -> None:
    requests = read_requests(written(tmp_path, text))
    np.testing.assert_array_equal(requests.size, kept)
    assert requests.failed == failed
    assert f"{failed} request{'s' * (failed > 1)} that failed" in requests.remarks()[0]


def test_sizes_of_nothing_are_told(tmp_path: Path) -> None:
    requests = read_requests(written(tmp_path, f"{HEADER}\n0,0\n1,3\n"))
    assert requests.remarks() == ["requests.csv: 1 request with size = 0: kept, as the smallest tasks"]


def test_a_status_that_tells_nothing_is_told(tmp_path: Path) -> None:
    text = "time,tokens,status,state\n1,4,200,\n2,5,0,\n3,6,-1,\n4,6,0," + "a failing grade in a long text " * 9 + "\n"
    requests = read_requests(written(tmp_path, text))
    assert (requests.failed, len(requests.size)) == (0, 4)
    [remark] = requests.remarks()
    assert remark.startswith("requests.csv: status '0' (2), '-1' (1), 'a failing grade")
    assert remark.endswith("taken for no failure")


@pytest.mark.parametrize(("unit", "size"), [("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
def test_times_in_parts_of_seconds(tmp_path: Path, unit: Any, size: float) -> None:
    path = written(tmp_path, "time,tokens\n" + "".join(f"{1711843200 * size + t * size:.0f},5\n" for t in (0, 2, 8)))
    with pytest.raises(TraceError, match=f"too large for seconds; if these are {unit}: .*--time-unit {unit}"):
        read_requests(path)
    times = read_requests(path, time_unit=unit).time_s
    np.testing.assert_allclose(times - times[0], [0, 2, 8], atol=1e-5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("time_s,size\n20240331013000,5\n20240331013100,6\n", "time_s = 20240331013000: a date in digits"),
        ("time_s,size\n5,5\n2024-03-31,6\n", "row 3, time_s = '2024-03-31': must be a number, as in the rows before"),
        ("time_s,size,size\n0,5,1\n1,6,2\n", "'size' (column 2), 'size' (column 3): must have titles of their own"),
        ('[{"time_s": 0, "size": ' + "9" * 5000 + "}]", "size = 'Infinity': must be a finite number"),
        ("<html></html>", "is XML or HTML"),
        (b"PK\x03\x04\x14\x00", "is a ZIP archive"),
        (bz2.compress(b"time_s,size\n0,5\n"), "is packed with bzip2"),
        ("time_s,other\n1,2\n2,3\n", "row 1, size_column: no such column"),
        ("time_s,other\n1,2\n2,3\n", "edgewise workload import FILE --size-column NAME"),
        (f"{HEADER}\n1,2\n2,-3\n", "row 3, size = '-3'"),
        (f"{HEADER}\n1,2\n2,nan\n", "row 3, size = 'nan'"),
        (f"{HEADER}\n1,2\n2,inf\n", "row 3, size = 'inf'"),
        (f"{HEADER}\n3,2\n2,3\n", "row 3, time_s = '2': goes back"),
        (f"{HEADER}\n1,2\nnoon,3\n", "row 3, time_s = 'noon'"),
        (f"{HEADER}\n1,2\ninf,3\n", "row 3, time_s = 'inf'"),
        (f"{HEADER}\n1,2\n2\n", "row 3, columns = 1"),
        (f"{HEADER}\n", "has 0 requests"),
        (f"{HEADER}\n1,2\n", "has 1 request;"),
        (f"{HEADER}\n1,2\n1,3\n", "two or more at different times"),
        (f"{HEADER},who\n1,2,\xe9\n2,3,x\n".encode("latin-1"), "not CSV in UTF-8"),
        (f"{HEADER}\n1,2\n2,3\n".encode("utf-16")[2:], "row 1, text: holds a NUL byte"),
        (f"{HEADER}\n1,2\n2,3\x00\n", "row 3, text: holds a NUL byte"),
        (f'{HEADER},who\n1,2,a\n2,3,"b\n3,4,c\n', "text: not CSV (unexpected end of data)"),
        (f"{HEADER}\n1,10\n2,500\n3,2.048\n4,900\n", "row 4, size = '2.048': thousands, or decimals?"),
        ("time_s;size\n1;10\n2;2,048\n3;900\n", "row 3, size = '2,048': thousands, or decimals?"),
        ("time_s;size\n1;2.048\n2;1,5\n", "row 2, size = '2.048': decimals come after ',' in row 3"),
        (f"{HEADER}\n1,10\n2,1_0\n", "row 3, size = '1_0': must be a finite number"),
        (f"{HEADER}\n1,10\n2,1.2.3\n", "row 3, size = '1.2.3': must be a finite number"),
        ('{"time_s": 1, "size": 2}\n{"time_s": 2, "size": "many"}\n', "row 2, size = 'many'"),
        ('{"time_s": 1, "size": 2}\n{"time_s": 2,\n', "row 2, JSON: column"),
        ('{"time_s": 1, "time_s": 2, "size": 3}\n', "row 1, JSON: time_s: stands twice"),
        ('[{"time_s": 1, "size": 2}, 7]', "row 2, JSON: entry '7': must be an object"),
        ('{"time_s": 1, "size": 2}\n{"time_s": 2}\n', "row 2, size = ''"),
        ("time_s,output_tokens\n1,0\n2,0\n3,4\n", "has 1 request that did not fail, and 2 that did"),
        (gzip.compress((HEADER + "\n" + "1,2\n" * 999).encode(), mtime=0)[:40], "gzip data: damaged or cut off"),
    ],
)
def test_bad_recordings_get_one_line_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str | bytes, said: str
) -> None:
    (tmp_path / "broken.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.chdir(tmp_path)
    assert main(["workload", "import", "broken.csv"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("edgewise workload: broken.csv: ")
    assert said in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["broken.csv"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "x.txt"], "output = 'x.txt'"),
        (["--output", "good.csv"], "output = 'good.csv': must be another file"),
        (["--figure", "x.bmp"], "figure = 'x.bmp'"),
        (["--arrival-rate", "0"], "arrival_rate = 0.0"),
        (["--task-step", "7"], "task_step = 7"),
        (["--window", "9", "5"], "window = (9.0, 5.0)"),
    ],
)
def test_bad_options_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    written(tmp_path, f"{HEADER}\n1,2\n2,3\n", "good.csv")
    monkeypatch.chdir(tmp_path)
    assert main(["workload", "import", "good.csv", *words]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["good.csv"]


def test_sizes_follow_quantiles_and_times_the_rate() -> None:
    rng = np.random.default_rng(0)
    requests = Requests(np.cumsum(rng.exponential(3.0, 1600)) + 77, rng.lognormal(0, 2, 1600), "x", "size")
    workload = fit_workload(requests, arrival_rate=0.01)
    values, counts = np.unique(workload.size_steps, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(100, 251, 10))
    np.testing.assert_array_equal(counts, 100)
    order = np.argsort(requests.size)
    assert (np.diff(workload.size_steps[order]) >= 0).all()
    assert workload.mean_gap == pytest.approx(100)
    gaps = np.diff(requests.time_s)
    np.testing.assert_allclose(np.diff(workload.time_s) / workload.mean_gap, gaps / gaps.mean(), rtol=1e-6)
    part = fit_workload(requests, 0.01, window=(0.0, float(requests.time_s[799] - requests.time_s[0])))
    assert part.requests == 800


def test_equal_sizes_stay_equal() -> None:
    workload = fit_workload(Requests(np.arange(6.0), np.array([1.0, 5, 1, 5, 1, 5]), "x", "size"))
    np.testing.assert_array_equal(workload.size_steps, [140, 220, 140, 220, 140, 220])


@pytest.mark.parametrize("name", ["w.csv", "w.csv.gz"])
def test_saved_and_loaded(tmp_path: Path, name: str) -> None:
    made = fit_workload(generate_bursts(50))
    loaded = load_workload(save_workload(tmp_path / name, made))
    np.testing.assert_allclose(loaded.time_s, made.time_s, atol=1e-3)
    np.testing.assert_array_equal(loaded.size_steps, made.size_steps)
    assert is_workload(tmp_path / name)
    assert not is_workload(written(tmp_path, AZURE))


def test_only_own_workloads_are_known_as_such(tmp_path: Path) -> None:
    workload = Workload(np.asarray([0.0, 2.5]), np.asarray([100.0, 250.0]), "x")
    for name in ("a.csv", "a.csv.gz"):
        assert is_own_workload(save_workload(tmp_path / name, workload))
    for mine in (f"{','.join(COLUMNS)}\n0,100\n2.5,250\n", "", "notes", b"\xff\xfe\x00"):
        path = tmp_path / "mine.csv"
        path.write_bytes(mine.encode() if isinstance(mine, str) else mine)
        assert not is_own_workload(path)
    assert not is_own_workload(tmp_path)


def test_the_parts_share_no_request() -> None:
    made = fit_workload(generate_bursts(200))
    earlier, later = split_in_time(made, 0.6)
    np.testing.assert_array_equal(np.concatenate([earlier.time_s, later.time_s]), made.time_s)
    assert earlier.time_s[-1] < made.time_s[0] + 0.6 * made.seconds <= later.time_s[0]
    with pytest.raises(ConfigurationError, match="training_share"):
        split_in_time(Workload(np.array([0.0, 1.0, 100.0]), np.full(3, 100.0), "x"), 0.5)


def test_the_shipped_workload_is_the_generated_one_and_bursty() -> None:
    shipped, made = find_workload("bursty"), fit_workload(generate_bursts())
    np.testing.assert_allclose(shipped.time_s, made.time_s, atol=1e-3)
    np.testing.assert_array_equal(shipped.size_steps, made.size_steps)
    gaps = np.diff(shipped.time_s)
    assert gaps.std() / gaps.mean() > 1.1
    assert shipped.mean_gap == pytest.approx(1000, rel=1e-6)


def test_replay_follows_the_recording() -> None:
    config = ServiceSelectionConfig(workload="bursty", tasks=30, arrival_rate=0.002)
    environments = {part: build.environment(config, part) for part in ("training", "evaluation")}
    entry = registry.find("service-selection")
    np.testing.assert_array_equal(entry.build(config).arrivals.gaps, environments["training"].arrivals.gaps)
    np.testing.assert_array_equal(
        entry.build_evaluation(config).arrivals.gaps, environments["evaluation"].arrivals.gaps
    )
    whole = find_workload("bursty")
    parts = dict(zip(environments, split_in_time(whole, 0.6), strict=True))

    for part, environment in environments.items():

        @jax.jit
        def play(key, environment=environment):
            state, _ = environment.reset(key)

            def advance(state, key):
                following, _ = environment.step(key, state, environment.action_space.sample(key))
                return following, (state.task, following.gap)

            return jax.lax.scan(advance, state, jax.random.split(key, 30))[1]

        sizes, gaps = parts[part].size_steps, np.diff(parts[part].time_s) / 2
        starts = set()
        for seed in range(5):
            size, gap = (np.asarray(values) for values in play(jax.random.key(seed)))
            found = [
                start
                for start in np.flatnonzero(np.isclose(gaps[: len(gaps) - 29], gap[0], atol=0.01, rtol=1e-5))
                if np.allclose(gaps[start : start + 30], gap, atol=0.01, rtol=1e-5)
            ]
            assert len(found) == 1
            np.testing.assert_array_equal(sizes[found[0] : found[0] + 30], size)
            starts.add(found[0])
        assert len(starts) > 1


def test_episodes_longer_than_a_part_are_refused() -> None:
    workload = Workload(np.arange(10.0), np.full(10, 100.0), "short")
    with pytest.raises(ConfigurationError, match=r"tasks = 10: must be at most 9.*short"):
        RecordedArrivals.build(workload, 1.0, 10)
    with pytest.raises(TraceError, match=r"size_steps = '2[1-5]0'"):
        build.environment(ServiceSelectionConfig(workload="bursty", largest_task=200), "training")


def test_providers_from_csv_and_yaml(tmp_path: Path) -> None:
    rows = [dict(zip(PROVIDERS.split()[0].split(","), line.split(","), strict=True)) for line in PROVIDERS.split()[1:]]
    yaml = "".join("- {" + ", ".join(f"{k}: {v}" for k, v in row.items()) + "}\n" for row in rows)
    one = load_providers(written(tmp_path, PROVIDERS, "p.csv"))
    other = load_providers(written(tmp_path, yaml, "p.yaml"))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(one.utility(jnp.asarray(125.0), False), [0.4, 0.4 * 125 / 180], rtol=1e-6)
    environment = build.environment(ServiceSelectionConfig(providers_file=str(tmp_path / "p.csv")), "training")
    assert environment.action_space.n == 2
    assert environment.observation_space.shape == (6,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("400", "0", "row 2, capacity = '0': must be more than 0"),
        ("200,0.9", "40,0.9", "row 2, end_steps = '40': must be more than 50"),
        ("0.6", "0.1", "row 3, end_score = '0.1': must be at least 0.2"),
        ("0.6", "nan", "row 3, end_score = 'nan'"),
        ("end_score", "score", "row 1, end_score: no such column"),
        ("400,50,0.1,200,0.9\n900,0,0.2,180,0.6\n", "", "has no provider"),
    ],
)
def test_bad_providers_get_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(TraceError) as caught:
        load_providers(written(tmp_path, PROVIDERS.replace(old, new), "p.csv"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_requests_are_imported_trained_on_and_solved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    lines = [
        f"{time:.3f},{size}"
        for time, size in zip(np.cumsum(rng.exponential(1, 200)), rng.permutation(200), strict=True)
    ]
    recording = written(tmp_path, "\n".join(["time,tokens", *lines]))
    output = tmp_path / "w.csv.gz"
    assert main(["workload", "import", str(recording), "--output", str(output), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["requests"], facts["arrival_rate"], facts["size_column"]) == (200, 0.001, "tokens")
    assert shows_something(Path(facts["figure"]))
    system = ["--tasks", "20", "--providers-file", str(written(tmp_path, PROVIDERS, "p.csv"))]
    tiny = ["--algorithm", "dqn", "--steps", "200", "--warmup-steps", "64", "--batch-size", "16", "--environments", "4"]
    folder = tmp_path / "run"
    words = [
        "train",
        "service-selection",
        *tiny,
        *system,
        "--evaluations",
        "1",
        "--evaluation-episodes",
        "2",
        "--no-report",
    ]
    assert main([*words, "--workload", str(recording), "--folder", str(folder)]) == 0
    prepared, imported = load_workload(folder / "workload.csv"), load_workload(output)
    np.testing.assert_array_equal(prepared.time_s, imported.time_s)
    assert "workload: ./workload.csv" in (folder / "config.yaml").read_text()
    (folder / "workload.csv").write_text("time_s,size_steps\n1,100\n2,nan\n")
    (folder / "test.json").unlink()
    capsys.readouterr()
    assert main(["train", "--resume", str(folder), "--no-report"]) == 1
    assert "workload.csv: row 3, size_steps = 'nan'" in capsys.readouterr().err
    missing = tmp_path / "none"
    assert main([*words, "--workload", str(recording), "--folder", str(missing), "--tasks", "150"]) == 2
    assert "tasks = 150" in capsys.readouterr().err
    assert not missing.exists()
    assert main(["solve", "service-selection", *system, "--workload", str(output), "--json"]) == 0
    solved = json.loads(capsys.readouterr().out)
    assert solved["rewards"]["prophet"] <= solved["rewards"]["schedule"] <= solved["bound"] + 1e-3
    assert len(solved["schedule"]) == 20


def bursts_of(count: int, size: int) -> str:
    """Requests that come many at a time, with long pauses: a workload that providers of a usual size cannot serve."""
    times = [1000 * (k // size) + 0.001 * (k % size) for k in range(count)]
    return "time,tokens\n" + "".join(f"{time:.3f},{k % 97 + 1}\n" for k, time in enumerate(times))


def test_a_workload_that_nobody_can_serve_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = written(tmp_path, bursts_of(400, 100))
    assert main(["workload", "import", str(recording), "--output", str(tmp_path / "w.csv"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["prophet_finishes"] < 0.95
    assert facts["busiest_load"] > 1 > facts["load"]
    assert any("too much load" in remark for remark in facts["remarks"])
    few = written(tmp_path, PROVIDERS, "p.csv")
    words = ["workload", "import", str(recording), "--output", str(tmp_path / "v.csv"), "--providers-file", str(few)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["load"] > 3 * facts["load"]


def test_the_load_is_that_of_a_count_by_hand() -> None:
    workload = Workload(np.array([0.0, 1000.0, 100_000.0]), np.array([100.0, 200.0, 100.0]), "x")
    config = ServiceSelectionConfig(arrival_rate=1 / workload.mean_gap)
    providers = Providers(*(jnp.asarray([value]) for value in (400.0, 0.0, 0.0, 200.0, 0.9)))
    load = measure_load(workload, config, providers)
    minutes = {100: 10 + 250 - 14, 200: 40 + 500 - 14}
    work = 60 * (2 * 100 * minutes[100] + 200 * minutes[200])
    assert load.mean == pytest.approx(work / 100_000 / 400)
    assert load.busiest == pytest.approx(300 / 400)
    assert load.finished == 1
    assert load.servable_rate is None


def test_how_a_recording_was_scaled_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = written(tmp_path, "time,tokens\n0,7\n2,900\n10,30\n")
    (tmp_path / "w.png").write_text("mine")
    assert main(["workload", "import", str(recording), "--output", str(tmp_path / "w.csv")]) == 0
    told = capsys.readouterr().out
    assert "times: stretched 200 times: 10 s of requests became 33.3 min" in told
    assert "sizes: by their order within this recording: 7 became 120 steps, 900 became 230" in told
    assert "providers: filled to " in told
    assert f"figure: {tmp_path / 'w-2.png'} (w.png was not written by edgewise, and stays)" in told
    assert (tmp_path / "w.png").read_text() == "mine"
