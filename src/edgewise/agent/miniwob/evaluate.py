"""Agents evaluated on MiniWoB++: one browser, many episodes, success as the pages say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from edgewise.agent.actions import Action
from edgewise.agent.agents import Maker, Setting
from edgewise.agent.conduct import Conduct, Limits, Over
from edgewise.agent.loop import run_agent
from edgewise.agent.measures import Episode
from edgewise.agent.miniwob.browser import SCALE, Browser
from edgewise.agent.miniwob.device import PageDevice
from edgewise.agent.miniwob.episode import begin, result
from edgewise.agent.miniwob.tasks import page
from edgewise.agent.permission import anything
from edgewise.agent.steps import Step, Watcher

CONDUCT = Conduct(limits=Limits(steps=16, seconds=60.0), verify=False, still_s=1.0, late_s=0.0)
"""Sixteen steps: no task that is done by touching and typing needs more than fourteen."""
QUICK = 1
"""Pixels of the display to a pixel of CSS where pictures only tell whether something has changed."""
SUITE = "miniwob"


class PageEpisode(Episode):
    """An episode on a page.

    Attributes:
        reward: of the page, in [-1, 1], without what it takes off for time.
    """

    reward: float = 0.0


class _Judge(Watcher):
    """Ends a run as soon as the page says that it is done."""

    def __init__(self, device: PageDevice) -> None:
        self._device, self.actions = device, 0
        self.latency: dict[str, tuple[float, ...]] = {}

    def acting(self, action: Action) -> None:
        self.actions += 1

    def acted(self, step: Step, png: bytes) -> None:
        for place, seconds in step.latency.items():
            self.latency[place] = (*self.latency.get(place, ()), seconds)
        if result(self._device).done:
            raise Over("closed")


def play(
    make: Maker, device: PageDevice, task: str, seed: int, conduct: Conduct = CONDUCT, watchers: Sequence[Watcher] = ()
) -> PageEpisode:
    """Let an agent do a task on a page.

    Args:
        make: makes the agent's modules.
        device: shows pages.
        task: name of the page.
        seed: of the page and of the modules.
        conduct: of the agent.
        watchers: are told of every step.
    """
    instruction = begin(device, task, seed)
    judge = _Judge(device)
    modules = make(Setting(seed, conduct.tree))
    end = run_agent(instruction, device, modules, conduct, allow=anything, watchers=(*watchers, judge))
    now = result(device)
    return PageEpisode(
        kind=task,
        suite=SUITE,
        seed=seed,
        instruction=instruction,
        succeeded=now.success,
        reason=end.reason,
        told=end.told,
        actions=judge.actions,
        calls=end.spent.calls,
        tokens=end.spent.tokens,
        money=end.spent.money,
        seconds=end.seconds,
        latency=judge.latency,
        reward=now.reward,
    )


def evaluate_miniwob(
    make: Maker,
    tasks: Iterable[str],
    seeds: Iterable[int],
    conduct: Conduct = CONDUCT,
    told: Callable[[PageEpisode], None] = lambda episode: None,
) -> list[PageEpisode]:
    """Episodes of an agent on pages.

    Args:
        make: makes the agent's modules for each episode.
        tasks: names of pages, such as `tasks.TASKS`.
        seeds: of the episodes of each.
        conduct: of the agent.
        told: is given every episode as soon as it is over.

    Raises:
        BrowserMissing: if there is no Chromium.
        EdgewiseError: if the package `miniwob` is not installed.
        ConfigurationError: if there is no such task.
    """
    chosen, drawn = tuple(tasks), tuple(seeds)
    for each in chosen:
        page(each)
    found = []
    with Browser(scale=QUICK if conduct.tree else SCALE) as browser:
        device = PageDevice(browser)
        for task in chosen:
            for seed in drawn:
                found.append(play(make, device, task, seed, conduct))
                told(found[-1])
    return found
