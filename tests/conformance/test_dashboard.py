"""Holds the Grafana dashboard to the metrics there are: it shows all of them, and nothing else."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.generated import ROOT
from tests.unit.reports.conftest import text_of
from tests.unit.reports.test_metrics import RUN

DASHBOARD: Mapping[str, Any] = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text("utf-8"))
PANELS = DASHBOARD["panels"]
VARIABLES = {item["name"]: item for item in DASHBOARD["templating"]["list"]}
FAMILIES = {family.name: family for family in text_string_to_metric_families(text_of(RUN, "metrics"))}
DELIBERATELY_UNUSED: set[str] = set()
"""Metrics that no panel shows, and that somebody may want to ask for."""
SECONDS_UNTIL_A_NIGHT_WAS_MISSED = 36 * 3600

every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])


def queries() -> Iterator[str]:
    """Everything the dashboard asks Prometheus."""
    yield from (target["expr"] for panel in PANELS for target in panel["targets"])
    yield from (item["definition"] for item in VARIABLES.values() if item["type"] == "query")


def metrics(query: str) -> set[str]:
    return set(re.findall(r"\bhardener_\w+", query))


def cells(panel: Mapping[str, Any]) -> set[tuple[int, int]]:
    """The places of Grafana's grid a panel takes."""
    grid = panel["gridPos"]
    columns, rows = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
    return set(itertools.product(columns, rows))


def test_it_asks_for_every_metric_and_for_no_other() -> None:
    assert set().union(*map(metrics, queries())) | DELIBERATELY_UNUSED == set(FAMILIES)


@pytest.mark.parametrize("query", list(queries()))
def test_labels_are_those_the_metrics_have(query: str) -> None:
    for name, matchers in re.findall(r"\b(hardener_\w+)\{([^}]*)\}", query):
        (labels,) = {frozenset(sample.labels) for sample in FAMILIES[name].samples}
        assert set(re.findall(r"(\w+)\s*=", matchers)) <= labels


@every_panel
def test_a_panel_names_labels_that_its_query_has(panel: Mapping[str, Any]) -> None:
    for target in panel["targets"]:
        labels = {label for name in metrics(target["expr"]) for label in FAMILIES[name].samples[0].labels}
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


@every_panel
def test_a_panel_asks_the_chosen_data_source_with_variables_there_are(panel: Mapping[str, Any]) -> None:
    assert panel["datasource"]["uid"] == "${datasource}"
    assert set(re.findall(r"\$(\w+)", json.dumps(panel["targets"]))) <= set(VARIABLES)


def test_panels_do_not_cover_each_other() -> None:
    places = [place for panel in PANELS for place in cells(panel)]
    assert len(places) == len(set(places))
    assert max(column for column, _ in places) < 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_an_audit_that_did_not_happen_is_red() -> None:
    (panel,) = [panel for panel in PANELS if "hardener_run_finished_seconds" in panel["targets"][0]["expr"]]
    red = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"] if step["color"] == "red"]
    assert red == [SECONDS_UNTIL_A_NIGHT_WAS_MISSED]
    rule = f"time() - hardener_run_finished_seconds > {SECONDS_UNTIL_A_NIGHT_WAS_MISSED}"
    assert rule in (ROOT / "docs" / "operating.md").read_text("utf-8")
