"""An episode as one self-contained HTML page with a time slider."""

from __future__ import annotations

import json
from collections.abc import Sequence

from edgewise.drawing.scene import Scene
from edgewise.drawing.scene_svg import SCRIPT, STYLE, figures, markup, panels
from edgewise.reports.page import render


def replay_page(title: str, played: str, scenes: Sequence[Scene], speed: float = 2.0) -> str:
    """The page of an episode. What is the same in several moments is in it once.

    Args:
        title: whose episode.
        played: how it was played, in words.
        scenes: its moments, at least one.
        speed: moments per second when it plays.
    """
    pieces: dict[str, int] = {}

    def number(piece: str) -> int:
        return pieces.setdefault(piece, len(pieces))

    frames = [
        {
            "time": scene.time,
            "figures": number(figures(scene)),
            "panels": [
                [
                    number(panel.title),
                    number(panel.told),
                    number(panel.legend),
                    [number(layer) for layer in panel.layers],
                ]
                for panel in panels(scene)
            ],
        }
        for scene in scenes
    ]
    data = json.dumps({"pieces": list(pieces), "frames": frames, "pause": 1000 / speed}, separators=(",", ":"))
    return render(
        "replay.html",
        title=title,
        played=played,
        about=scenes[0].title,
        last=len(scenes) - 1,
        time=scenes[0].time,
        first=markup(scenes[0]),
        style=STYLE,
        script=SCRIPT,
        data=data.replace("<", "\\u003c"),
    )
