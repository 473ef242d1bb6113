"""`metrics.csv` and TensorBoard events of a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto import event_pb2
from tensorboardX.summary import scalar

from edgewise.common.files import replace_file
from edgewise.training.run_folder import EVENTS, METRICS_FILE


def summarise(result: Mapping[str, Float[Array | np.ndarray, "n e"]]) -> dict[str, Any]:
    """Mean and standard error over episodes of every metric, one number per seed."""
    episodes = next(iter(result.values())).shape[-1]
    return {
        name: {
            "mean": np.asarray(values).mean(-1).tolist(),
            "sem": (np.asarray(values).std(-1, ddof=1) / np.sqrt(episodes)).tolist() if episodes > 1 else None,
        }
        for name, values in result.items()
    }


class Metrics:
    """`metrics.csv`, one row per evaluation and seed, and the same as TensorBoard events.

    Args:
        folder: the folder of the run.
        done: evaluations to keep; a killed run may have written more.
        steps: environment steps of these.
    """

    def __init__(self, folder: Path, done: int, steps: int) -> None:
        self._path = folder / METRICS_FILE
        self._rows: list[dict[Any, Any]] = []
        self._begin = 0.0
        if done and self._path.exists():
            rows = pd.read_csv(self._path)
            self._rows = [dict(row) for row in rows[rows["evaluation"] <= done].to_dict("records")]
            self._begin = max((row["wall_s"] for row in self._rows), default=0.0)
        events = folder / EVENTS
        events.mkdir(parents=True, exist_ok=True)
        # SummaryWriter writes in a thread: what goes wrong there is printed, and the run waits for it without end.
        self._events = EventsWriter(str(events / "events"))
        if done:
            self._write(steps + 1, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))

    def append(
        self, number: int, steps: int, seconds: float, result: dict[str, Array], learning: dict[str, Array]
    ) -> None:
        """Add one evaluation: means over its episodes, and the learning metrics since the last one.

        Raises:
            OSError: if a file cannot be written.
        """
        summary = summarise(result)
        seeds = len(summary["return"]["mean"])
        for seed in range(seeds):
            row: dict[str, Any] = {
                "evaluation": number, "steps": steps, "seed": seed, "wall_s": round(self._begin + seconds, 2)
            }  # fmt: skip
            row |= {name: entry["mean"][seed] for name, entry in summary.items()}
            row["return_sem"] = summary["return"]["sem"][seed] if summary["return"]["sem"] else float("nan")
            row |= {f"learning/{name}": float(values[seed]) for name, values in learning.items()}
            self._rows.append(row)
            for name, value in row.items():
                if name not in ("evaluation", "steps", "seed"):
                    self._write(steps, summary=scalar(f"seed-{seed}/{name}", value))
        self._events.flush()
        replace_file(self._path, pd.DataFrame(self._rows).to_csv(index=False).encode())

    def close(self) -> None:
        """End the event file."""
        self._events.close()

    def _write(self, step: int, **content: Any) -> None:
        self._events.write_event(event_pb2.Event(wall_time=time.time(), step=step, **content))
