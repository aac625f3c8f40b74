"""Drift told to someone: as text for people, as JSON for programs, one event a line for collectors, as a page."""

from collections.abc import Callable, Mapping

from hardener.model import Drift
from hardener.reports.drift import html, json, sarif, table

FORMATS: Mapping[str, Callable[[Drift], str]] = {
    "table": table.render,
    "json": json.as_document,
    "ndjson": json.as_lines,
    "html": html.render,
    "sarif": sarif.render,
}
"""The formats by name; the one for people says nothing where no regression stands and everything was looked at."""
