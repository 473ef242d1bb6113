"""A construction over Flower: processes, TLS, keys of nodes, kill -9 on the way, and all that edge servers have sent."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs the extra federation")

from edgewise.common.plain import to_plain
from edgewise.construction.arrival import current_agent
from edgewise.construction.artefact import read
from edgewise.construction.books import Books
from edgewise.construction.cloud import Cloud
from edgewise.construction.contract import price
from edgewise.construction.demo import write_edge
from edgewise.construction.edge import EdgeServer
from edgewise.construction.edge_config import EdgeConfig, data_of, load_edge_config
from edgewise.construction.kind import MODULES
from edgewise.construction.leaks import marks_of, search
from edgewise.construction.parcels import Nearby
from edgewise.construction.processes import LOOPBACK, free_port
from edgewise.construction.relay import DOWN, UP, Relay, recorded
from edgewise.construction.security import CA, admit, cloud_security, edge_security, make_cloud_keys, make_edge_keys
from edgewise.construction.service import CloudService, EdgeService
from edgewise.construction.terms import TYPICAL, Terms

NAME = "town"
ROUNDS = ((3, 5), ((3, 5), (4, 5)))
SAME = ("period", "name", "item", "rounds_logged", "quality_measured", "verdict", "income", "paid")
"""Columns that do not depend on time."""
SEARCHED = 256
"""Examples of each edge server and period that are looked for in the traffic."""


def prepare(folder: Path) -> list[Path]:
    """Folders of a cloud server and of two edge servers; those of the edge servers."""
    instance = dataclasses.replace(TYPICAL, servers=2)
    terms = Terms(("perception",), instance, examples=64, tasks=2, patience_s=400.0, gather_s=200.0, apart=True)
    (folder / "cloud").mkdir(parents=True)
    books = Books(folder / "cloud")
    books.begin(NAME, to_plain(terms), price(instance, ROUNDS, "always"))
    books.close()
    edges = [folder / "one", folder / "two"]
    for seed, (edge, theta) in enumerate(zip(edges, ((17.5, 22.5), (22.5, 17.5)), strict=True)):
        write_edge(edge, EdgeConfig(edge.name, theta, seed=seed))
    return edges


def kept(folder: Path) -> tuple[list[dict[str, Any]], list[int]]:
    books = Books(folder / "cloud")
    books.check(NAME)
    rows = [{column: row[column] for column in SAME} for row in books.rows(NAME)]
    return rows, [closed["profit"] for closed in books.periods(NAME)]


def started_by(parent: int) -> list[int]:
    """Processes that a process has started, and those that these have."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            above = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if above == parent:
            process = int(path.parent.name)
            found += [process, *started_by(process)]
    return found


def kill(word: str) -> bool:
    """Kill the first process of ours whose command has a word."""
    for process in started_by(os.getpid()):
        try:
            if word.encode() in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)
                return True
        except OSError:
            continue
    return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes as Linux shows them")
def test_whoever_is_killed_the_books_are_those_of_an_undisturbed_construction(tmp_path: Path) -> None:
    earlier = set(started_by(os.getpid()))
    alone = [EdgeServer(edge) for edge in prepare(tmp_path / "alone")]
    Cloud(tmp_path / "alone" / "cloud", NAME, Nearby({n: edge.answer for n, edge in enumerate(alone)})).run()

    folder = tmp_path / "fire"
    edges, cloud = prepare(folder), folder / "cloud"
    make_cloud_keys(cloud, [LOOPBACK])
    for edge in edges:
        make_edge_keys(edge, edge.name)
    admitted = admit(cloud, [edge / "public.json" for edge in edges])
    port = free_port()
    service = CloudService(cloud, NAME, LOOPBACK, port, cloud_security(cloud), admitted)
    nodes = list[EdgeService]()
    shots = {2: "flwr-serverapp", 4: "flower-superlink", 7: "flower-supernode"}  # by steps that are done
    began = time.monotonic()

    def look_after(done: int, text: str) -> None:
        assert time.monotonic() - began < 500, text
        for node in nodes:
            node.check()
        for step in [step for step in shots if done >= step]:
            if kill(shots[step]):
                del shots[step]

    with ExitStack() as wires:
        for edge in edges:
            wire = wires.enter_context(Relay(edge / "wire", f"{LOOPBACK}:{port}", cloud_security(cloud)))
            nodes.append(EdgeService(edge, wire.address, free_port(), edge_security(edge, cloud / CA)))
        try:
            service.start()
            service.run(look_after)
        finally:
            for each in (*nodes, service):
                each.ask_to_stop()
            for each in (*nodes, service):
                each.stop()
    assert shots == {}
    assert kept(folder) == kept(tmp_path / "alone")
    assert [row["verdict"] for row in kept(folder)[0]] == ["accepted"] * 4
    assert all(current_agent(edge) is not None for edge in edges)
    assert set(started_by(os.getpid())) <= earlier
    check_traffic(edges, cloud)


def check_traffic(edges: list[Path], cloud: Path) -> None:
    """That the modules have gone through the connections that were recorded, and data neither there nor to the cloud server."""
    kind = MODULES.find("perception")
    configs = {edge.name: load_edge_config(edge) for edge in edges}
    data = {f"{name} {period}": data_of(configs[name], kind, period) for name in configs for period in (1, 2)}
    marks = marks_of({whose: {"picture": each["picture"][:SEARCHED]} for whose, each in data.items()})
    assert search([(path.name, path.read_bytes()) for path in cloud.rglob("*") if path.is_file()], marks) == []
    for edge in edges:
        wire = edge / "wire"
        assert search(recorded(wire, UP) + recorded(wire, DOWN), marks) == []
        for path in (edge / "orders").glob("*/module"):
            weights = read(path).weights
            found = search(recorded(wire, UP), marks_of({"module": {name: weights[name][None] for name in weights}}))
            assert {hit.what for hit in found} >= {f"module: {name}, <f4, example 0" for name in weights}
        assert len(list((edge / "orders").glob("*/module"))) == 2
