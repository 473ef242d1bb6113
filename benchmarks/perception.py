"""How well the phone agent sees without the tree: signs, items and texts of pages in looks that no training has.

python benchmarks/perception.py                   # prints, and writes results/agent/perception.json
python benchmarks/perception.py --show 3          # the worst pages, with what was missed on them
python benchmarks/perception.py --train           # the sign classifier of the package anew; three minutes
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from edgewise.agent.modules.interfaces import Look
from edgewise.agent.perception import shipped
from edgewise.agent.perception.joined import JoinedPerception
from edgewise.agent.perception.kind import PHONE_PERCEPTION
from edgewise.agent.perception.raster import pixels_of
from edgewise.agent.perception.seen import seen_screen
from edgewise.agent.perception.text import TextReader, tidy
from edgewise.agent.phone.core import Open, Press, Swipe, Tap, Type, app_names, draw_phone, step, view
from edgewise.agent.phone.picture import picture
from edgewise.agent.phone.png import png
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.oracle import SMALLEST, solve
from edgewise.agent.phone.tasks.suites import draw_tasks
from edgewise.agent.phone.widgets import Screen as Truth
from edgewise.agent.phone.widgets import Widget, inside
from edgewise.agent.screen import Item, Screen
from edgewise.construction.kind import Weights

WALK = 12  # gestures before a page is taken
APPS, EXAMPLES = 400, 4096  # looks that the sign classifier is trained on, examples of a round
SCHEDULE = ((1e-3, 40), (2e-4, 15))  # learning rates, and rounds with them
SPOKEN = ("row", "switch", "text", "heading", "button", "field", "bubble", "tile", "level")


@dataclass
class Tally:
    """Counts over pages: `hits` of `all`, by what is counted; and what was missed."""

    hits: Counter[str] = field(default_factory=Counter)
    all: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def count(self, name: str, hit: bool, what: str) -> None:
        self.hits[name] += hit
        self.all[name] += 1
        if not hit:
            self.missed.append(f"{name}: {what}")


def drawn_page(seed: int) -> State:
    """A page after random gestures on a phone of an unseen look; all apps alike."""
    rng = random.Random(f"page {seed}")
    names = ("launcher", *app_names())
    state = step(draw_phone(seed, unseen=True), Press("home"))
    app = names[seed % len(names)]
    state = state if app == "launcher" else step(state, Open(app))
    for _ in range(rng.randrange(WALK)):
        screen, before = view(state), state
        touched = [each for each in screen.widgets if each.event is not None]
        chosen = rng.random()
        if chosen < 0.8 and touched:
            state = step(state, Tap(*rng.choice(touched).middle))
        elif chosen < 0.9:
            state = step(state, Swipe(500, 1500, 500, 900))
        elif state.focus:
            state = step(state, Type(rng.choice(("See you at 8", "Grüße", "Milk, 2 kg"))))
        if state.place.app != app:
            state = before
    return state


def takes(widget: Widget, truth: Truth) -> bool:
    """Whether a widget can be touched where it is seen."""
    left, top, right, bottom = widget.seen
    live = widget.event is not None or widget.hold is not None
    return live and min(right - left, bottom - top) >= SMALLEST and truth.at(*widget.middle) == widget


def overlap(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """Intersection over union of two boxes."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    both = max(0, wide) * max(0, high)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return both / (areas - both)


def of_widget(widget: Widget, truth: Truth, screen: Screen) -> Item | None:
    """The item whose touch goes to a widget, or that stands where it is."""
    own = [each for each in screen.items if each.role != "list" and inside(widget.seen, *each.middle)]
    if takes(widget, truth):
        own = [each for each in own if truth.at(*each.middle) == widget]
    return max(own, key=lambda each: overlap(each.box, widget.seen), default=None)


def judge(state: State, screen: Screen, tally: Tally) -> None:
    """Count what of a page was seen rightly."""
    truth = view(state)
    floor = truth.keys[0].box[1] if truth.keys else truth.navigation[0].box[1]
    shown = [
        each
        for each in truth.widgets
        if each.seen[1] < floor and min(each.seen[2] - each.seen[0], each.seen[3] - each.seen[1]) >= SMALLEST
    ]
    for widget in shown:
        item = of_widget(widget, truth, screen)
        name = f"{widget.part.kind} {widget.part.text or widget.part.glyph} {widget.seen}"
        if takes(widget, truth):
            tally.count("touchable found", item is not None and item.touchable, name)
        if item is None or widget.seen != widget.box or covered(widget, truth):
            continue
        whole(widget, item, state, tally)
    title = "" if truth.dialog else truth.page.title
    tally.count("title", tidy(screen.title) == tidy(title), f"{truth.page.title!r} as {screen.title!r}")
    if truth.dialog is None:
        listed = any(each.scrollable for each in screen.items)
        tally.count("scrollable", listed == (truth.far > 0), f"{truth.far} as {listed}")
    for each in screen.items:
        false = each.role != "list" and not any(inside(widget.seen, *each.middle) for widget in truth.widgets)
        tally.hits["false items"] += false
        if false:
            tally.missed.append(f"false item: {each}")
    tally.all["false items"] += 1


def covered(widget: Widget, truth: Truth) -> bool:
    """Whether something stands over a widget."""
    return any(each.floating and each != widget and overlap(each.box, widget.box) > 0 for each in truth.widgets)


def whole(widget: Widget, item: Item, state: State, tally: Tally) -> None:
    """Count texts, signs and states of a widget that is seen whole."""
    part, words = widget.part, widget.bar and state.skin.words and widget.part.name != "back"
    if part.kind in SPOKEN or words:
        for name, true, read in (("text", part.text, item.text), ("detail", part.detail, item.detail)):
            if true and (name == "text" or part.kind in ("row", "level") or not part.text):
                tally.count(name, same(true, read), f"{part.kind} {true!r} as {item.text!r}, {item.detail!r}")
    if part.glyph and part.kind != "picture" and not words:
        tally.count("sign", item.sign == part.glyph, f"{part.glyph} as {item.sign or 'none'}, {item.text!r}")
    if part.kind == "switch":
        tally.count("switch", item.checked == part.on, f"{part.text} {part.on} as {item.checked}")
    if part.kind == "field":
        tally.count("focus", item.focused == widget.focused, f"{part.name} {widget.focused} as {item.focused}")


def same(true: str, read: str) -> bool:
    """Whether a text was read, as far as it is shown: one that is too long ends with an ellipsis, or begins late."""
    true, read = tidy(true), tidy(read)
    cut = read.rstrip(".…")
    return true == read or (cut != read and len(cut) > 5 and true.startswith(cut)) or (len(read) > 15 and read in true)


def oracle_steps(seeds: range, look: JoinedPerception) -> Tally:
    """Whether what the oracle touches in the simple suite is an item with its text or its sign."""
    tally = Tally()
    for seed in seeds:
        for task in draw_tasks("simple", seed, unseen=True):
            right = True
            for state, gesture, _ in solve(task):
                if not isinstance(gesture, Tap | Swipe) or (isinstance(gesture, Swipe) and gesture.y != gesture.to_y):
                    continue
                truth = view(state)
                widget = truth.at(gesture.x, gesture.y)
                if widget is None:
                    continue
                item = of_widget(widget, truth, look(as_look(state)))
                known = item is not None and (same(widget.part.text, item.text) or item.sign == widget.part.glyph)
                tally.count("steps", known, f"{task.name} {seed}: {widget.part.text or widget.part.glyph} as {item}")
                right = right and known
            tally.count("tasks", right, f"{task.name} {seed}")
    return tally


def train(folder: Path) -> None:
    """Train the sign classifier of the package, and write it with its digest and how it was trained."""
    apps = tuple(f"app {number}" for number in range(APPS))
    weights, seed = PHONE_PERCEPTION.initial(0), 0
    for rate, rounds in SCHEDULE:
        kind = replace(PHONE_PERCEPTION, rate=rate)
        for _ in range(rounds):
            data = kind.draw_data(apps, EXAMPLES, seed, "en")
            weights, figures = kind.train_round(weights, data, seed)
            seed += 1
            print(seed, f"{figures['loss']:.4f}", flush=True)
    content = save(weights)
    (folder / "signs.safetensors").write_bytes(content)
    told = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "trained": f"{seed} rounds, each on {EXAMPLES} new examples in the looks of {APPS} apps, Adam at "
        + ", then ".join(f"{rate:g} for {rounds} rounds" for rate, rounds in SCHEDULE),
        "kind": "phone-perception",
        "accuracy on 2000 examples in the looks of 200 other apps": round(signs_unseen(weights), 4),
    }
    (folder / "signs.json").write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


def signs_unseen(weights: Weights) -> float:
    """Accuracy on examples in the looks of apps that no training has."""
    apps = tuple(f"other app {number}" for number in range(200))
    return PHONE_PERCEPTION.evaluate(weights, PHONE_PERCEPTION.draw_data(apps, 2000, 10**6, "en"))


def as_look(state: State) -> Look:
    """What perception is given, without a tree."""
    return Look(png(picture(state)), None, f"org.edgewise.{state.place.app}", bool(view(state).keys))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/agent/perception.json"))
    parser.add_argument("--train", action="store_true")
    args = parser.parse_args()
    if args.train:
        train(Path(shipped.__file__).parent / shipped.FOLDER)
        return
    name, read = shipped.shipped_signs(), TextReader()
    read([np.zeros((40, 100), np.uint8)])
    name([np.zeros((24, 24), np.float32)] * 65)
    tally, seconds, own, worst = Tally(), [], [], []
    for seed in range(args.pages):
        state = drawn_page(seed)
        sent, page = as_look(state), Tally()
        wall, cpu = time.perf_counter(), time.process_time()
        screen = seen_screen(pixels_of(sent.png), sent.app, sent.keyboard, name, read)
        seconds.append(time.perf_counter() - wall)
        own.append(time.process_time() - cpu)
        judge(state, screen, page)
        tally.hits.update(page.hits)
        tally.all.update(page.all)
        worst.append((len(page.missed), seed, state.place, page.missed))
    steps = oracle_steps(range(args.seeds), JoinedPerception(name, tree=False))
    for _, seed, place, missed in sorted(worst, key=lambda each: -each[0])[: args.show]:
        print(seed, place, *missed, sep="\n  ")
    if args.show:
        print(*steps.missed, sep="\n")
    shares = {key: tally.hits[key] / tally.all[key] for key in sorted(tally.all)}
    report = {
        "pages": args.pages,
        "counted": dict(sorted(tally.all.items())),
        "shares": {key: round(value, 4) for key, value in shares.items() if key != "false items"},
        "false items per page": round(shares["false items"], 4),
        "accuracy of signs in unseen looks": round(signs_unseen(shipped.shipped_weights()), 4),
        "oracle's steps": {key: f"{steps.hits[key]} of {steps.all[key]}" for key in sorted(steps.all)},
        "seconds per page, median": round(statistics.median(seconds), 3),
        "CPU seconds per page, mean": round(statistics.fmean(own), 3),
        "machine": f"{platform.machine()}, python {platform.python_version()}, one thread",
    }
    text = json.dumps(report, indent=2)
    print(text)
    if not args.show:
        args.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
