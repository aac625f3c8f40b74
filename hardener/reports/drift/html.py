"""Drift as one page for people: opens anywhere, loads nothing from elsewhere, and has no script."""

from __future__ import annotations

from hardener.model import Drift
from hardener.reports.drift.arranged import WORDS, compared_words, origin_words, sections, seen_words, summary_words
from hardener.reports.pages import environment, style


def render(drift: Drift) -> str:
    """The page; the same drift gives the same bytes."""
    made = environment()
    made.filters |= {"seen": seen_words, "origin": origin_words, "kind": WORDS.__getitem__}
    return made.get_template("drift.html.j2").render(
        drift=drift,
        sections=sections(drift),
        compared=compared_words(drift),
        summary=summary_words(drift),
        style=style(),
    )
