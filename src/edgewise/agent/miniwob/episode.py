"""Episodes of MiniWoB++: a page, a seed, an instruction, a reward."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.agent.miniwob.device import PageDevice
from edgewise.agent.miniwob.tasks import page

LIMIT_MS = 1_000_000_000
"""Milliseconds after which a page would end an episode by itself: eleven days, so steps are what is limited."""
BEGIN = """
core.EPISODE_MAX_TIME = {limit};
Math.seedrandom({seed});
core.startEpisodeReal();
core.cover_div.onclick = null;
(said => said.utterance || said)(core.getUtterance())
"""
"""Some pages give the instruction with what it was made of, which is not for agents. What covers a page that is done would
begin the next episode by a touch, also by the one that has ended this."""


@dataclass(frozen=True)
class Result:
    """Where an episode stands.

    Attributes:
        done: whether the page has ended it.
        reward: of the page, in [-1, 1], without what it takes off for time; 0 until it is done.
    """

    done: bool
    reward: float

    @property
    def success(self) -> bool:
        """Whether it ended with a positive reward."""
        return self.done and self.reward > 0


def begin(device: PageDevice, task: str, seed: int) -> str:
    """Begin an episode.

    Args:
        device: on which its page is shown.
        task: name of it.
        seed: of whatever the page draws.

    Returns:
        The instruction.

    Raises:
        ConfigurationError: if there is no such task.
        DeviceError: if its page cannot be shown.
    """
    device.browser.open(page(task))
    instruction = str(device.browser.run(BEGIN.format(limit=LIMIT_MS, seed=seed)))
    device.wait_until_still(1.0)
    return instruction


def result(device: PageDevice) -> Result:
    """Where the episode stands that a device shows."""
    done, reward = device.browser.run("[WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL]")
    return Result(bool(done), float(reward) if done else 0.0)
