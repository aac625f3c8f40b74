"""Finds where this machine takes its Debian packages from, so that nodes take theirs from the same place."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from hardener.errors import LabError
from hardener.lab.tools import run_tool

CODENAMES: Mapping[str, str] = {"12": "bookworm", "13": "trixie"}
_KNOWN_SUITES = frozenset({"bullseye", "bookworm", "trixie", "forky", "stable", "oldstable", "testing"})
_SUITE = re.compile(r"(?P<release>[a-z]+)(?P<rest>(-updates|-security)?)")
_ONE_LINE = re.compile(r"deb\s+(\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)")
_SETTING = re.compile(r'(?P<key>Acquire::\S+) "(?P<value>[^"]*)";')
_CARRIED = re.compile(
    r"Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv4|https?::(Proxy|Timeout|Proxy::\S+))", re.IGNORECASE
)


class Source(BaseModel):
    """One archive suite: an address, a suite and its components."""

    model_config = ConfigDict(frozen=True)

    uri: str
    suite: str
    components: tuple[str, ...]

    def line(self) -> str:
        """The entry in apt's one-line format."""
        return f"deb {self.uri} {self.suite} {' '.join(self.components)}"


def machine_sources(release: str, etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """The Debian archives of this machine, asked for ``release`` instead of the machine's own.

    Raises LabError where the machine has no Debian archive among its apt sources.
    """
    sources: list[Source] = []
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            sources += parse_deb822(path.read_text())
        elif path.suffix == ".list" and path.is_file():
            sources += parse_one_line(path.read_text())
    found = for_release(sources, CODENAMES[release])
    if not any(source.suite == CODENAMES[release] for source in found):
        raise LabError(f"lab: no Debian archive among the apt sources in {etc_apt}")
    return found


def parse_one_line(text: str) -> list[Source]:
    """The binary archives of a ``.list`` file."""
    matches = (_ONE_LINE.fullmatch(line.split("#")[0].strip()) for line in text.splitlines())
    return [
        Source(uri=match["uri"], suite=match["suite"], components=tuple(match["components"].split()))
        for match in matches
        if match
    ]


def parse_deb822(text: str) -> list[Source]:
    """The enabled binary archives of a ``.sources`` file."""
    sources: list[Source] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        components = tuple(fields.get("components", "").split())
        sources += [
            Source(uri=uri, suite=suite, components=components)
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return sources


def for_release(sources: Iterable[Source], codename: str) -> list[Source]:
    """The Debian archives among ``sources`` with their suite's release replaced, each once, in order."""
    found: dict[Source, None] = {}
    for source in sources:
        match = _SUITE.fullmatch(source.suite)
        if match and match["release"] in _KNOWN_SUITES and "main" in source.components:
            found[source.model_copy(update={"suite": codename + match["rest"]})] = None
    return list(found)


def machine_settings() -> list[str]:
    """The apt settings of this machine that decide whether a download works, as apt.conf lines."""
    return carried_settings(run_tool(["apt-config", "dump"]))


def carried_settings(dump: str) -> list[str]:
    """The lines of an ``apt-config dump`` a node needs too: proxies, retries, tolerance of old indexes."""
    matches = (_SETTING.fullmatch(line.strip()) for line in dump.splitlines())
    return [match[0] for match in matches if match and match["value"] and _CARRIED.fullmatch(match["key"])]


def _fields(stanza: str) -> dict[str, str]:
    """A deb822 stanza's fields by lower-case name; continuation lines are joined, comments dropped."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
