"""Makes the parts of the documentation that are generated; ``python -m`` writes them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hardener.catalogue.discovery import discover
from hardener.catalogue.reference import controls_reference
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.project import schema as project_schema
from hardener.reports import ndjson
from hardener.reports.drift import json as drift
from tests.conformance.risks import risks, risks_page

ROOT = Path(__file__).parents[2]
_HELP_BLOCK = re.compile(r"(<!-- begin: hardener --help -->\n).*(<!-- end: hardener --help -->\n)", re.DOTALL)


def generated_files() -> Mapping[Path, str]:
    """Every file that is generated, or holds a generated block, as it should read."""
    readme = ROOT / "README.md"
    block = f"```text\n{command_help()}```\n"
    catalogue, defaults = discover(), role_defaults(roles_directory())
    return {
        ROOT / "docs" / "controls.md": controls_reference(catalogue, defaults),
        ROOT / "docs" / "disruptions.md": risks_page(risks(catalogue, defaults)),
        ROOT / "docs" / "schemas" / "drift-1.schema.json": drift.schema(),
        ROOT / "docs" / "schemas" / "finding-1.schema.json": ndjson.schema(),
        ROOT / "docs" / "schemas" / "project-1.schema.json": project_schema(),
        readme: _HELP_BLOCK.sub(lambda match: match[1] + block + match[2], readme.read_text("utf-8")),
    }


def command_help() -> str:
    """What ``hardener --help`` prints on a terminal of 100 columns."""
    hardener = Path(sys.executable).with_name("hardener")
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run([hardener, "--help"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    for path, text in generated_files().items():
        path.write_text(text, "utf-8")
