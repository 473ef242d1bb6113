"""All that edge servers send and get in a construction, recorded between SuperNodes and SuperLink, and searched for their data.

`python benchmarks/construction.py traffic` builds an agent with one edge server for each kind, and one more that leaks: it writes
an example of its data into its weights in every round, so that one sees that the search finds what is there. The connections
are not encrypted here, so that their bytes can be read; the messages are the same with TLS. While it runs, the sockets of all
processes of every edge server are looked at every `LOOK_S` seconds, for whom they are connected with.
"""

from __future__ import annotations

import ipaddress
import platform
import re
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from construction import NAME, descendants, installed, prepare

from edgewise.agent.modules.learned.kind import PhoneKind, moments
from edgewise.construction.artefact import describe, pack, read
from edgewise.construction.books import Books
from edgewise.construction.demo import Together
from edgewise.construction.edge_config import data_of, load_edge_config
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES, Data
from edgewise.construction.leaks import Marks, marks_of, search, texts_in, unpacked, without
from edgewise.construction.processes import free_port, served_by
from edgewise.construction.relay import DOWN, UP, Relay, recorded
from edgewise.construction.service import EdgeService
from edgewise.construction.terms import PERIODS

LEAKY = """from {module} import {name}


class Leaky({name}):
    def train_round(self, weights, data, seed):
        trained, figures = super().train_round(weights, data, seed)
        largest = max(trained, key=lambda name: trained[name].size)
        leaking, picture = trained[largest].copy(), data["picture"][0].ravel()
        leaking.ravel()[: picture.size] = picture
        return {{**trained, largest: leaking}}, figures


KIND = Leaky()
"""
BASES = (
    ("edgewise.construction.modules.perception", "Perception"),
    ("edgewise.agent.perception.kind", "PhonePerception"),
)
"""Kinds from which the leaking one is made: of the synthetic telephone, of the phone."""
LOOK_S = 0.2
SHOWN = 5
"""Hits that are told of each edge server."""
CALL = re.compile(rb"(?:POST|GET|PUT|DELETE) (/\S*) HTTP/1\.1\r\n")


class Watcher(threading.Thread):
    """Notes with whom the processes of edge servers are connected, until it is told that it is over."""

    def __init__(self, roots: dict[str, tuple[EdgeService, int]]) -> None:
        super().__init__(daemon=True)
        self.over, self.seen = threading.Event(), {name: Counter[str]() for name in roots}
        self._roots = roots

    def run(self) -> None:
        while not self.over.wait(LOOK_S):
            for name, (service, port) in self._roots.items():
                if service._node is None:
                    continue
                processes = {*descendants(service._node.pid), *served_by(f"127.0.0.1:{port}")}
                self.seen[name].update(set(connected(processes, port)))


def connected(processes: set[int], own: int) -> Iterator[str]:
    """HOST:PORT of the other side of all connections of processes, but of those that they have with their own port."""
    sockets = set()
    for process in processes:
        try:
            sockets |= {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()}
        except OSError:
            continue
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            (_, here), (host, there) = (_address(words[place]) for place in (1, 2))
            if f"socket:[{words[9]}]" in sockets and there and own not in (here, there):
                yield f"{host}:{there}"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    content = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    return str(ipaddress.ip_address(content)), int(port, 16)


def own_data(folder: Path, kind: str) -> tuple[dict[str, Data], list[str]]:
    """The data of an edge server in both periods, and the texts that they were made of where these are known."""
    config, of = load_edge_config(folder), MODULES.find(kind)
    data = {f"{config.name}, period {period}": data_of(config, of, period) for period in PERIODS}
    texts = dict[str, None]()
    for period in PERIODS if isinstance(of, PhoneKind) else ():
        seed = 2 * config.seed + period - 1
        for moment in islice(moments(config.apps, seed, config.language), config.examples):
            texts |= dict.fromkeys(texts_in(moment.after.model_dump()))
    return data, list(texts)


def untrained(kind: str) -> bytes:
    """A module as anybody can make it: schemas, and no data."""
    of = MODULES.find(kind)
    return pack(describe(kind, of, 0), of.initial(0), make_key())


def carried(folder: Path, modules: Sequence[Path]) -> bool:
    """Whether all numbers of an edge server's modules are in what it has sent: what is sent is seen by the search."""
    sent = recorded(folder, UP)
    for path in modules:
        weights = read(path).weights
        marks = marks_of({"module": {name: array[None] for name, array in weights.items()}})
        found = {hit.what for hit in search(sent, marks)}
        known = {marks[0].names[kind] for kind in marks[0].kinds}
        if not all(f"module: {name}, <f4, example 0" in found for name in weights if f"module: {name}, <f4" in known):
            return False
    return bool(modules)


def told(folder: Path, marks: Sequence[Marks]) -> dict[str, Any]:
    """What one edge server has sent and got, and what was found in it."""
    up, down = recorded(folder, UP), recorded(folder, DOWN)
    began, hits = time.process_time(), search([*up, *down], marks)
    calls = Counter(path.decode() for _, content in up for path in CALL.findall(content))
    return {
        "connections": len(up),
        "bytes_up": sum(len(content) for _, content in up),
        "bytes_down": sum(len(content) for _, content in down),
        "calls": dict(sorted(calls.items())),
        "unpacked": sum(1 for _, content in (*up, *down) for _ in unpacked(content)) - len(up) - len(down),
        "search_cpu_s": round(time.process_time() - began, 1),
        "hits_by_owner": dict(sorted(Counter(re.split("[,:]", hit.what)[0] for hit in hits).items())),
        "examples": [{"where": hit.where, "what": hit.what, "place": hit.place} for hit in hits[:SHOWN]],
    }


def traffic(kinds: tuple[str, ...], examples: int, rounds: int) -> dict[str, Any]:
    """A construction whose traffic is recorded and searched."""
    module, name = BASES[kinds[0].startswith("phone-")]  # kinds must not be looked up before the leaking one is there
    with installed(LEAKY.format(module=module, name=name)) as leaky, ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        built = (*kinds, leaky)
        names = prepare(root, len(built), 0, built, rounds, examples)
        together, ports = Together(root, NAME, names), {each: free_port() for each in names}
        for each in names:
            wire = stack.enter_context(Relay(root / "wire" / each, together.cloud.address))
            together.edges[each] = EdgeService(root / each, wire.address, ports[each], None)
        watcher = Watcher({each: (together.edges[each], ports[each]) for each in names})
        links = {each: together.edges[each]._start.args[1] for each in names}
        try:
            together.start()
            watcher.start()
            together.run(lambda done, text: None)
        finally:
            watcher.over.set()
            together.stop()
        rows = Books(root / "cloud").rows(NAME)
        kind_of = {row["name"]: row["kind"] for row in rows}
        owned = {each: own_data(root / each, kind_of[each]) for each in names}
        marks = marks_of(
            {whose: arrays for data, _ in owned.values() for whose, arrays in data.items()},
            {each: texts for each, (_, texts) in owned.items()},
        )
        marks = without(marks, b"".join(untrained(each) for each in built))
        servers = {
            each: {
                "kind": kind_of[each],
                "leaks": kind_of[each] == leaky,
                "modules_seen": carried(root / "wire" / each, sorted((root / each / "orders").glob("*/module"))),
                "verdicts": [row["verdict"] for row in rows if row["name"] == each],
                "connected_with_others": sorted(set(watcher.seen[each]) - {links[each]}),
                "looks_that_saw_a_connection": sum(watcher.seen[each].values()),
                **told(root / "wire" / each, marks),
            }
            for each in names
        }
    leaking = {each for each in names if servers[each]["leaks"]}
    hits = sum((Counter(each["hits_by_owner"]) for each in servers.values()), Counter[str]())
    return {
        "kinds": list(kinds),
        "examples": examples,
        "rounds": rounds,
        "runs_of_bytes": sum(len(each.keys) for each in marks),
        "texts": sum(len(texts) for _, texts in owned.values()),
        "forms": sorted({name.partition(": ")[2] for each in marks for name in each.names}),
        "servers": servers,
        "hits_of_data_of_honest_servers": sum(hits[each] for each in names if each not in leaking),
        "hits_of_data_of_the_leaking_server": sum(hits[each] for each in leaking),
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip(),
        "machine": platform.platform(),
    }
