"""`edgewise agent train`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.agent.modules.learned.train import KINDS, Schooling, train_agent
from edgewise.common.errors import EdgewiseError
from edgewise.construction.agent import LOCK_FILE, write_agent


@dataclass(frozen=True)
class Train:
    """Train an agent's modules on the simulated phone, on this machine, and write them into a folder.

    Attributes:
        out: folder of the agent; it must not hold one yet.
        examples: moments of tasks that are drawn.
        rounds: passes over them.
        seed: of moments, weights and their order.
        kinds: of the modules, one for a place at most.
    """

    out: Path
    examples: int = Schooling.examples
    rounds: int = Schooling.rounds
    seed: int = Schooling.seed
    kinds: tuple[str, ...] = KINDS


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Train, args=words, prog="edgewise agent train")
    if (options.out / LOCK_FILE).exists():
        raise EdgewiseError(f"{options.out}: holds an agent already; name another folder")
    schooling = Schooling(options.examples, options.rounds, options.seed)
    agent = train_agent(schooling, options.kinds, lambda line: print(line, flush=True))
    write_agent(options.out, agent)
    print(f"{options.out}: agent {agent.lock.digest[:16]}")
    return 0
