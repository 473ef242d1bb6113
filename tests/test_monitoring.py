"""The rules for Prometheus and the dashboard for Grafana ask for figures that the server gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from edgewise.serving.measures import Measures

FOLDER = Path(__file__).parents[1] / "docs" / "monitoring"
FIGURE = re.compile(r"\b(?:edgewise|process)_[a-z_]+")
RULE = re.compile(r"\bedgewise:[a-z0-9_:]+")


def given() -> set[str]:
    """Names of the samples of a server in which everything has happened once."""
    measures = Measures()
    names: set[str] = set()
    for family in text_string_to_metric_families(measures.text().decode()):
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + end for end in ends} | {sample.name for sample in family.samples}
    return names


def expressions() -> dict[str, list[str]]:
    rules = yaml.safe_load((FOLDER / "edgewise-rules.yml").read_text())
    board = json.loads((FOLDER / "edgewise-dashboard.json").read_text())
    return {
        "rules": [rule["expr"] for group in rules["groups"] for rule in group["rules"]],
        "dashboard": [target["expr"] for panel in board["panels"] for target in panel["targets"]],
    }


@pytest.mark.parametrize("name", ["rules", "dashboard"])
def test_every_figure_is_given(name: str) -> None:
    wanted = {figure for expression in expressions()[name] for figure in FIGURE.findall(expression)}
    assert len(wanted) > 5
    assert wanted <= given()


def test_every_recorded_figure_has_its_rule() -> None:
    rules = yaml.safe_load((FOLDER / "edgewise-rules.yml").read_text())
    recorded = {rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule}
    used = {name for asked in expressions().values() for expression in asked for name in RULE.findall(expression)}
    assert used
    assert used <= recorded


def test_panels_do_not_overlap() -> None:
    board = json.loads((FOLDER / "edgewise-dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
