"""How fast the simulated phone is, on one core: steps without and with pictures, trees, steps behind the genuine adb.

python benchmarks/phone.py                        # prints, and writes results/agent/phone.json
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

from edgewise.agent.device.adb import Adb, find_adb
from edgewise.agent.device.adb_device import AdbDevice
from edgewise.agent.phone.core import Press, Swipe, Tap, Type, draw_phone, step, view
from edgewise.agent.phone.picture import picture
from edgewise.agent.phone.png import png
from edgewise.agent.phone.server.server import serving
from edgewise.agent.phone.session import draw_session
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.oracle import solve
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.phone.tree import tree

WALK = 60  # gestures on one phone before the next


def wander(rng: random.Random, state: State) -> State:
    """The phone after a random gesture, mostly a touch of something that can be touched."""
    screen = view(state)
    touched = [each for each in screen.widgets if each.event is not None] or list(screen.navigation)
    chosen = rng.random()
    if chosen < 0.8:
        return step(state, Tap(*rng.choice(touched).middle))
    if chosen < 0.88:
        return step(state, Swipe(500, 1500, 500, 900))
    if chosen < 0.95:
        return step(state, Type("See you at 8"))
    return step(state, Press(rng.choice(("back", "home", "recents"))))


def per_second(seconds: float, look: Callable[[State], object]) -> float:
    """Steps of this process's time in a second, each with a look at the new state; pages are ever new."""
    rng, count, seed = random.Random(0), 0, 0
    began = time.process_time()
    while time.process_time() - began < seconds:
        state = draw_phone(seed)
        for _ in range(WALK):
            state = wander(rng, state)
            look(state)
            count += 1
        seed += 1
    return count / (time.process_time() - began)


def behind_adb(steps: int) -> dict[str, float]:
    """Seconds of a touch, a picture and a tree behind the genuine adb, medians of wall time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Adb(find_adb(), "", probe.getsockname()[1])
    server.run("start-server")
    times: dict[str, list[float]] = {"tap": [], "screenshot": [], "tree": []}
    try:
        with serving(draw_session(0)) as port:
            device = AdbDevice(f"127.0.0.1:{port}", server.program, server.port)
            rng = random.Random(0)
            for _ in range(steps):
                began = time.perf_counter()
                root = device.tree()
                times["tree"].append(time.perf_counter() - began)
                chosen = rng.choice([each for each in root.walk() if each.clickable])
                began = time.perf_counter()
                device.tap(chosen.middle)
                times["tap"].append(time.perf_counter() - began)
                began = time.perf_counter()
                device.screenshot()
                times["screenshot"].append(time.perf_counter() - began)
    finally:
        server.run("kill-server")
    return {name: round(sorted(each)[len(each) // 2], 4) for name, each in times.items()}


def oracle(seeds: int) -> dict[str, float]:
    """Tasks that the oracle solves in a second of this process's time, and their mean steps."""
    found: dict[str, float] = {}
    for suite in SUITES:
        tasks = [task for seed in range(seeds) for task in draw_tasks(suite, seed)]
        began = time.process_time()
        ways = [len(solve(task)) for task in tasks]
        found[f"{suite}_tasks_per_second"] = round(len(tasks) / (time.process_time() - began), 2)
        found[f"{suite}_steps_mean"] = round(sum(ways) / len(ways), 2)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    options.add_argument("--out", type=Path, default=Path("results/agent/phone.json"))
    given = options.parse_args()
    figures = {
        "steps_per_second": round(per_second(given.seconds, lambda state: None), 1),
        "steps_with_tree_per_second": round(per_second(given.seconds, tree), 1),
        "steps_with_picture_per_second": round(per_second(given.seconds, picture), 1),
        "steps_with_png_per_second": round(per_second(given.seconds, lambda state: png(picture(state))), 1),
        "oracle": oracle(2),
        "seconds_behind_adb": behind_adb(20),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
