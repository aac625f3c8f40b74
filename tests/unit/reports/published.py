"""The published schemas of other tools' formats, and what a document has that they refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jsonschema
from lxml import etree

SCHEMAS = Path(__file__).parent / "schemas"
JSON_SCHEMAS = {
    "sarif": "sarif-2.1.0.schema.json",
    "oscal": "oscal-assessment-results.schema.json",
    "ohdf": "exec-json.schema.json",
}


def refused(name: str, document: bytes) -> Sequence[str]:
    """Everything the schema of a format refuses in a document."""
    if name == "xccdf":
        schema = _xccdf()
        schema.validate(etree.fromstring(document))
        return str(schema.error_log).splitlines()
    return [f"{list(error.absolute_path)}: {error.message}" for error in _json(name).iter_errors(json.loads(document))]


@cache
def _xccdf() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / "xccdf-1.2.xsd")))


@cache
def _json(name: str) -> jsonschema.protocols.Validator:
    schema = json.loads((SCHEMAS / JSON_SCHEMAS[name]).read_text("utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)
