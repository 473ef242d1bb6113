"""Constructions under load and under fire: kill -9 at random moments, many edge servers, large modules, Flower's simulation.

Run: python benchmarks/construction.py kills [--count N] [--each N]
     python benchmarks/construction.py servers [--numbers N ...] [--megabytes MB] [--rounds N]
     python benchmarks/construction.py simulation [--numbers N]
     python benchmarks/construction.py traffic [--kinds KIND ...] [--examples N] [--rounds N] [--out FILE]

`kills` sends SIGKILL to the SuperLink, to the ServerApp, to a SuperNode, to a ClientApp or to a command's whole tree at random
moments of constructions on this machine, and holds the books against those of an undisturbed one in a single process: choices,
rounds, qualities, verdicts, payments, sums; and the weights of every module. `servers` gives wall time, bytes and memory by the
number of edge servers, with modules of a size; `simulation` does without processes, by Flower's simulation on Ray. `traffic`
records all that edge servers send and get, and looks for their data in it: see construction_traffic.py.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewise.common.files import replace_file
from edgewise.common.plain import to_plain
from edgewise.construction.artefact import read
from edgewise.construction.books import Books, total_profit
from edgewise.construction.building import weights_digest
from edgewise.construction.cloud import Cloud
from edgewise.construction.contract import price
from edgewise.construction.curve import EXAMPLES
from edgewise.construction.demo import Together, edge_configs, synthetic_kinds, write_edge
from edgewise.construction.edge import EdgeServer
from edgewise.construction.ground import ground_of
from edgewise.construction.parcels import Nearby
from edgewise.construction.terms import TYPICAL, Terms

NAME = "bench"
ROUNDS = ((27, 45), ((24, 45), (35, 45)))
"""Of the optimum for the typical instance."""
SAME = ("period", "name", "kind", "item", "rounds_promised", "rounds_logged", "reward_promised", "quality_paper",
        "quality_measured", "energy_modelled", "verdict", "income", "paid")  # fmt: skip
"""Columns that do not depend on how long things took."""
PHONE = ("phone-memory", "phone-planning", "phone-decision", "phone-action", "phone-reflection")
"""Kinds whose traffic is recorded."""
BIG = """from edgewise.construction.modules.perception import Perception
KIND = Perception(width={width}, rate=1e-4)
"""


def prepare(
    folder: Path, servers: int, seed: int, kinds: tuple[str, ...], rounds: int | None = None, examples: int = EXAMPLES
) -> list[str]:
    """Folders of a cloud server and of edge servers; names of these."""
    instance = replace(TYPICAL, servers=servers)
    wanted = ROUNDS if rounds is None else ((rounds, rounds + 1), ((rounds, rounds + 1),) * 2)
    ground = ground_of(kinds)
    terms = Terms(
        kinds, instance, seed=seed, patience_s=600.0, gather_s=600.0, ground=ground, round_examples=examples, apart=True
    )
    (folder / "cloud").mkdir(parents=True)
    books = Books(folder / "cloud")
    books.begin(NAME, to_plain(terms), price(instance, wanted, "always"))
    books.close()
    configs = edge_configs(instance, seed, {}, examples, ground)
    for name, config in configs.items():
        write_edge(folder / name, config)
    return list(configs)


def outcome(folder: Path) -> tuple[Any, ...]:
    """What must not depend on who was killed."""
    books = Books(folder / "cloud")
    books.check(NAME)
    rows = [{column: row[column] for column in SAME} for row in books.rows(NAME)]
    uploads = [row["digest"] for row in books.rows(NAME)]
    weights = [weights_digest(read(folder / "cloud" / "uploads" / name).weights) if name else None for name in uploads]
    sums = [
        {name: closed[name] for name in ("income", "paid", "profit", "acceptance")} for closed in books.periods(NAME)
    ]
    return rows, weights, sums, total_profit(books.periods(NAME), TYPICAL.beta)


def children() -> dict[int, list[int]]:
    """Process ids by that of their parent."""
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        found.setdefault(parent, []).append(int(path.name))
    return found


def descendants(root: int) -> list[int]:
    """A process and all that it has started."""
    tree, found = children(), [root]
    for process in found:
        found += tree.get(process, [])
    return found


def command(process: int) -> str:
    """What a process is."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def targets(together: Together) -> dict[str, list[int]]:
    """What can be killed now, by what it is."""
    found: dict[str, list[int]] = {"superlink": [], "serverapp": [], "supernode": [], "clientapp": []}
    for process in descendants(os.getpid()):
        line = command(process)
        for name in found:
            if f"flower-{name} " in line or f"flwr-{name} " in line:
                found[name].append(process)
    return {name: processes for name, processes in found.items() if processes}


def fire(together: Together, rng: random.Random, gaps: Sequence[float], over: threading.Event, log: list[str]) -> None:
    """Kill something after each gap, s."""
    for gap in gaps:
        if over.wait(gap):
            return
        found = targets(together)
        if not found:
            continue
        name = rng.choice(sorted(found))
        process = rng.choice(found[name])
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
        log.append(name)
        print(f"killed {name}", flush=True)


def kills(count: int, each: int) -> dict[str, Any]:
    """Kill `count` processes, `each` in a construction."""
    rng, killed, seconds = random.Random(0), list[str](), list[float]()
    run = 0
    while len(killed) < count:
        with tempfile.TemporaryDirectory() as place:
            root, kinds = Path(place), synthetic_kinds()[:2]
            alone = prepare(root / "alone", 2, run, kinds)
            servers = [EdgeServer(root / "alone" / name) for name in alone]
            Cloud(root / "alone" / "cloud", NAME, Nearby({n: each.answer for n, each in enumerate(servers)})).run()
            names = prepare(root / "fire", 2, run, kinds)
            together, over, log = Together(root / "fire", NAME, names), threading.Event(), list[str]()
            gaps = [rng.uniform(5.0, 30.0) for _ in range(min(each, count - len(killed)))]
            began = time.monotonic()
            try:
                together.start()
                gunner = threading.Thread(target=fire, args=(together, rng, gaps, over, log))
                gunner.start()
                together.run(lambda done, text: None)
                over.set()
                gunner.join()
            finally:
                over.set()
                together.stop()
            seconds.append(time.monotonic() - began)
            killed += log
            same = outcome(root / "fire") == outcome(root / "alone")
            print(f"construction {run}: {seconds[-1]:.0f} s, killed {log}, same books and modules: {same}", flush=True)
            if not same:
                raise SystemExit("the books differ")
            run += 1
    return {
        "killed": {name: killed.count(name) for name in sorted(set(killed))},
        "constructions": run,
        "seconds": seconds,
    }


@contextmanager
def installed(source: str) -> Iterator[str]:
    """A kind of module, `KIND` of a source, found by all processes as one of an installed package is; its name."""
    with tempfile.TemporaryDirectory() as place:
        root, name = Path(place), "benchmarked"
        (root / f"{name}.py").write_text(source)
        facts = root / f"{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[edgewise.modules]\n{name} = {name}:KIND\n")
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([place, *([before] if before else [])])
        sys.path.insert(0, place)
        try:
            yield name
        finally:
            sys.path.remove(place)
            os.environ.pop("PYTHONPATH")
            if before:
                os.environ["PYTHONPATH"] = before


def memory(processes: Sequence[int]) -> dict[str, float]:
    """Largest resident memory by kind of process, MB."""
    found: dict[str, float] = {}
    for process in processes:
        line = command(process)
        name = next(
            (each for each in ("superlink", "serverapp", "supernode", "clientapp") if f"-{each} " in line), None
        )
        try:
            resident = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        except (OSError, IndexError, ValueError):
            continue
        if name is not None:
            found[name] = max(found.get(name, 0.0), resident)
    return found


def servers(number: int, megabytes: float, rounds: int) -> dict[str, Any]:
    """A construction of so many edge servers: wall time from the SuperLink's start, bytes, memory."""
    width = max(1, round(megabytes * 1e6 / 4 / (16 * 16 + 14)))
    with installed(BIG.format(width=width)) as kind, tempfile.TemporaryDirectory() as place:
        root = Path(place)
        together = Together(root, NAME, prepare(root, number, 0, (kind,), rounds))
        peak: dict[str, float] = {}
        over = threading.Event()

        def watch() -> None:
            while not over.wait(1.0):
                for name, resident in memory(descendants(os.getpid())).items():
                    peak[name] = max(peak.get(name, 0.0), resident)

        watcher = threading.Thread(target=watch)
        began = time.monotonic()
        try:
            watcher.start()
            together.start()
            together.run(lambda done, text: None)
        finally:
            seconds = time.monotonic() - began
            over.set()
            watcher.join()
            together.stop()
        books = Books(root / "cloud")
        rows = books.rows(NAME)
        return {
            "servers": number,
            "seconds": round(seconds, 1),
            "bytes_up": sum(row["bytes_up"] for row in rows),
            "bytes_down": sum(row["bytes_down"] for row in rows),
            "verdicts": sorted({row["verdict"] for row in rows}),
            "memory_mb": {name: round(value) for name, value in sorted(peak.items())},
        }


def simulation(number: int) -> dict[str, Any]:
    """A construction of so many edge servers by Flower's simulation on Ray."""
    from flwr.app import Context, Message
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.simulation import run_simulation

    from edgewise.construction.wire import FlowerTransport, opened, wrapped

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        names = prepare(root, number, 0, synthetic_kinds()[:1], 10)
        server, client = ServerApp(), ClientApp()

        def answering(action: Any) -> Any:
            def answer(message: Message, context: Context) -> Message:
                edge = EdgeServer(root / names[int(context.node_config["partition-id"])])
                return Message(wrapped(edge.answer(action, opened(message))), reply_to=message)

            return answer

        client.query("offer")(answering("offer"))
        client.train("build")(answering("build"))
        client.query("settle")(answering("settle"))

        def main(grid: Grid, context: Context) -> None:
            Cloud(root / "cloud", NAME, FlowerTransport(grid)).run()

        server.main()(main)
        began = time.monotonic()
        resources = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}}
        run_simulation(server, client, num_supernodes=number, backend_config=resources)
        rows = Books(root / "cloud").rows(NAME)
        verdicts = [row["verdict"] for row in rows]
        return {
            "servers": number,
            "seconds": round(time.monotonic() - began, 1),
            "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
            "bytes_up": sum(row["bytes_up"] for row in rows),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "servers", "simulation", "traffic"))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--numbers", type=int, nargs="+", default=[8])
    parser.add_argument("--megabytes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", default=PHONE)
    parser.add_argument("--examples", type=int, default=256)
    parser.add_argument("--out", type=Path, default=Path("results/construction/traffic.json"))
    options = parser.parse_args()
    if options.what == "kills":
        print(json.dumps(kills(options.count, options.each)))
        return
    if options.what == "traffic":
        from construction_traffic import traffic

        replace_file(
            options.out,
            (json.dumps(traffic(tuple(options.kinds), options.examples, options.rounds), indent=1) + "\n").encode(),
        )
        return
    for number in options.numbers:
        found = (
            simulation(number) if options.what == "simulation" else servers(number, options.megabytes, options.rounds)
        )
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
