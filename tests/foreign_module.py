"""A script: a kind of module of another package is built, judged and put into an agent, by its name alone."""

from __future__ import annotations

import json
from dataclasses import replace

from edgewise.construction.acceptance import draw_tasks
from edgewise.construction.artefact import describe, pack
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES
from edgewise.construction.modules.words import FUNCTIONS
from edgewise.construction.verdicts import Held, Wanted, examine_all, integrate_best

NAME, ROUNDS = "prototypes", 60

kind, key = MODULES.find(NAME), make_key()
data = kind.draw_data(("mail", "shop"), 300, 1, "de")
hidden, probe = (kind.draw_data(("hidden",), 300, seed, "mixed") for seed in (2, 3))
weights, log = kind.initial(0), []
first = kind.evaluate(weights, hidden)
for number in range(ROUNDS):
    weights, figures = kind.train_round(weights, data, number)
    log.append(figures)
content = pack(replace(describe(NAME, kind, 300, order="order"), rounds=tuple(log)), weights, key)
held = {NAME: Held(hidden, probe, kind.initial(0), lambda rounds: 0.4)}
examined = examine_all([(content, Wanted(key.public, "order", NAME, ROUNDS))], held)
found, agent = integrate_best(examined, held, draw_tasks(("hidden",), 4, 1), key)
answers = agent.answering["perception"]([{"picture": picture.tolist()} for picture in hidden["picture"]])
right = sum(each["function"] == FUNCTIONS[place] for each, place in zip(answers, hidden["answer"][:, 0], strict=True))
print(json.dumps([first, found[0].quality, found[0].verdict, right / len(answers)]))
