"""Service selection read from the paper and the spec as a list of running tasks with finishing times; plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Task:
    size: float
    begin: float
    end: float
    utility: float


@dataclass
class Provider:
    capacity: float
    start_steps: float
    start_score: float
    end_steps: float
    end_score: float
    tasks: list[Task] = field(default_factory=list)

    def utility(self, size: float, with_offset: bool) -> float:
        if size < self.start_steps:
            return 0.0
        base = self.start_score if with_offset else 0.0
        if size > self.end_steps:
            return base + self.end_score - self.start_score
        slope = (self.end_score - self.start_score) / (self.end_steps - self.start_steps)
        return base + slope * (size - self.start_steps)

    def free(self) -> float:
        return self.capacity - sum(task.size for task in self.tasks)


def seconds(size: float) -> float:
    return 60 * (0.001 * size * size + 2.5 * size - 14)


def play(providers, sizes, gaps, actions, with_offset, baseline, penalty):
    """One episode; returns for each step the reward, the metrics and the observation after it."""
    clock, history = 0.0, []
    largest, biggest = 250.0, max(p.capacity for p in providers)
    for number, action in enumerate(actions):
        provider, size = providers[action], sizes[number]
        row = dict.fromkeys(("utility", "lost_utility", "finished", "crashed", "crashes", "unfinished"), 0.0)
        if size <= provider.free():
            gained = provider.utility(size, with_offset)
            provider.tasks.append(Task(size, clock, clock + seconds(size), gained))
            reward = gained - baseline
            row["utility"] = gained
        else:
            reward = -penalty
            for task in provider.tasks:
                progress = (clock - task.begin) / (task.end - task.begin)
                reward -= penalty * (1 - progress)
                row["lost_utility"] += task.utility
            row["crashed"] = 1 + len(provider.tasks)
            row["crashes"] = 1
            provider.tasks = []
        clock += gaps[number]
        for other in providers:
            row["finished"] += sum(task.end <= clock for task in other.tasks)
            other.tasks = [task for task in other.tasks if task.end > clock]
        if number == len(actions) - 1:
            row["unfinished"] = sum(len(p.tasks) for p in providers)
        following = sizes[number + 1]
        observation = [following / largest, seconds(following) / seconds(largest)]
        observation += [p.capacity / biggest for p in providers] + [p.free() / p.capacity for p in providers]
        history.append((reward, row, observation))
    return history
