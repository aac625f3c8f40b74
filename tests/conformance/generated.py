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
from hardener.schedule import Nightly, unit_texts
from tests.conformance.risks import risks, risks_page

ROOT = Path(__file__).parents[2]
_UNITS_BLOCK = re.compile(r"(<!-- begin: nightly units -->\n).*(<!-- end: nightly units -->\n)", re.DOTALL)
_HELP_BLOCK = re.compile(r"(<!-- begin: hardener --help -->\n).*(<!-- end: hardener --help -->\n)", re.DOTALL)


def generated_files() -> Mapping[Path, str]:
    """Every file that is generated, or holds a generated block, as it should read."""
    readme, operating = ROOT / "README.md", ROOT / "docs" / "operating.md"
    block = f"```text\n{command_help()}```\n"
    catalogue, defaults = discover(), role_defaults(roles_directory())
    return {
        ROOT / "docs" / "controls.md": controls_reference(catalogue, defaults),
        ROOT / "docs" / "disruptions.md": risks_page(risks(catalogue, defaults)),
        ROOT / "docs" / "schemas" / "drift-1.schema.json": drift.schema(),
        ROOT / "docs" / "schemas" / "finding-1.schema.json": ndjson.schema(),
        ROOT / "docs" / "schemas" / "project-1.schema.json": project_schema(),
        operating: _UNITS_BLOCK.sub(lambda match: match[1] + nightly_units() + match[2], operating.read_text("utf-8")),
        readme: _HELP_BLOCK.sub(lambda match: match[1] + block + match[2], readme.read_text("utf-8")),
    }


def nightly_units() -> str:
    """The units that ``hardener schedule install`` writes for a project of root whose targets are elsewhere."""
    nightly = Nightly(
        command=["/opt/hardener/bin/python", "-P", "-m", "hardener"],
        project=Path("/srv/site"),
        state_home=Path("/root/.local/state"),
        store="/root/.local/state/hardener/runs.sqlite",
        written=[Path("/root/.local/state/hardener"), Path("/var/lib/node_exporter")],
        delay_seconds=1800,
        metrics=Path("/var/lib/node_exporter/hardener.prom"),
        is_notifying=True,
    )
    return "".join(f"```ini\n# {name}\n{text}```\n" for name, text in unit_texts(nightly).items())


def command_help() -> str:
    """What ``hardener --help`` prints on a terminal of 100 columns."""
    hardener = Path(sys.executable).with_name("hardener")
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run([hardener, "--help"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    for path, text in generated_files().items():
        path.write_text(text, "utf-8")
