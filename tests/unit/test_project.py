"""The project file: what it stands in for, what wins over it, where it is found, and what a new site begins with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.catalogue.waivers import load_waivers
from hardener.cli import main
from hardener.errors import ConfigError, ExitCode
from hardener.project import EXAMPLE, Project, find_project, lay_down, load_project, schema
from hardener.project.recipients import Mention
from hardener.store import Store
from tests.unit.builders import HERE
from tests.unit.test_cli import refused
from tests.unit.test_cli_waivers import adding, item

FULL = """\
---
inventory: [hosts.yml, "a,b"]
profile: profiles/site.yml
waivers: waivers.yml
store: runs.sqlite
batches: "1,10%,100%"
guard_seconds: 60
workers: 8
transport: openssh
silent_nights: 5
notify: ["https://example.org/hook"]
waiver_policy: {longest_days: 30}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with everything a project file names, which commands run in."""
    lay_down(tmp_path)
    (tmp_path / "hosts.yml").write_text(HERE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def write(site: Path, text: str) -> Path:
    file = site / "hardener.yml"
    file.write_text(text)
    return file


def test_paths_are_relative_to_the_file_and_names_are_the_options(site: Path) -> None:
    project = load_project(write(site, FULL))
    assert project == Project(
        directory=site,
        options={
            "inventory": [str(site / "hosts.yml"), "a,b"],
            "profile": str(site / "profiles" / "site.yml"),
            "waivers": str(site / "waivers.yml"),
            "store": str(site / "runs.sqlite"),
            "batches": "1,10%,100%",
            "guard_seconds": 60,
            "workers": 8,
            "transport": "openssh",
            "silent_nights": 5,
        },
        notify=(Mention(1, "https://example.org/hook", site / "hardener.yml", f"{site}/hardener.yml:11"),),
        longest_days=30,
    )


def test_an_empty_one_says_nothing(site: Path) -> None:
    assert load_project(write(site, "{}\n")) == Project(directory=site)
    options = load_project(write(site, "profile: cis-level2\nstore: postgresql://db/runs\n")).options
    assert options == {"profile": "cis-level2", "store": "postgresql://db/runs"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("---\ncolour: red\n", 2, "colour: Extra inputs are not permitted"),
        ("inventory:\n  - hosts.yml\n  - 5\n", 3, "Input should be a valid string"),
        ("inventory:\n  - nowhere.yml\n", 1, "inventory: there is no "),
        ("workers: 2\nwaivers: nowhere.yml\n", 2, "waivers: there is no "),
        ("workers: 2\nprofile: ./nowhere.yml\n", 2, "profile: there is no "),
        ("workers: many\n", 1, "workers: Input should be a valid integer"),
        ("transport: telnet\n", 1, "transport: Input should be 'auto', 'paramiko' or 'openssh'"),
        ("workers: 0\n", 1, "workers: Input should be greater than or equal to 1"),
        ("guard_seconds: 1\n", 1, "guard_seconds: Input should be greater than or equal to 10"),
        ("batches: some\n", 1, "batches: String should match pattern"),
        ("waiver_policy:\n  longest_days: 0\n", 2, "waiver_policy.longest_days: Input should be greater"),
        ("workers: 1\nworkers: 2\n", 2, "duplicate key 'workers'"),
        ("- workers\n", 1, "expected a mapping at the top"),
    ],
)
def test_a_wrong_one_is_one_line_with_file_and_line(site: Path, text: str, line: int, message: str) -> None:
    file = write(site, text)
    with pytest.raises(ConfigError) as caught:
        load_project(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_looked_for_in_the_directories_above(site: Path) -> None:
    below = site / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below) == site / "hardener.yml"
    nearer = below.parent / "hardener.yml"
    nearer.write_text("{}\n")
    assert find_project(below) == nearer


def kept(site: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Profile and inventories of every run of the site's store."""
    store = Store(str(site / "runs.sqlite"))
    return [(store.load(run.id).profile, store.load(run.id).scope.inventories) for run in store.runs()]


def test_commands_use_it_and_options_win_over_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(site, "inventory: [hosts.yml]\nprofile: profiles/site.yml\nstore: runs.sqlite\n")
    look = ["audit", "--controls", "kernel-ipv6-use"]
    assert main(look) == ExitCode.COMPLIANT
    assert main([*look, "-p", "cis-level2", "-i", "hosts.yml"]) == ExitCode.COMPLIANT
    assert kept(site) == [("cis-level2", ("hosts.yml",)), ("site", (str(site / "hosts.yml"),))]
    capsys.readouterr()
    assert main(["runs", "list"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out.count("audit") == 2


def test_it_can_be_named(site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    file = write(site, "inventory: [hosts.yml]\nstore: runs.sqlite\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert main(["--project", str(file), "audit", "--controls", "kernel-ipv6-use"]) == ExitCode.COMPLIANT
    assert len(kept(site)) == 1


def test_a_wrong_one_stops_every_command_that_uses_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(site, "workers: many\n")
    for words in (["audit"], ["runs", "list"], ["waivers", "list"]):
        assert f"{file}:1: workers" in refused(capsys, *words, code=ExitCode.BAD_CONFIG)
    assert main(["lab", "list"]) == ExitCode.COMPLIANT


def test_its_policy_holds_for_waivers(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "waivers.yml").write_text("waivers:\n" + item())
    write(site, "waivers: waivers.yml\nwaiver_policy: {longest_days: 30}\n")
    for words in (["audit"], ["waivers", "list"], ["waivers", "lint"]):
        assert "w: it lasts longer than 30 days" in refused(capsys, *words, code=ExitCode.BAD_CONFIG)
    (site / "waivers.yml").write_text("waivers: []\n")
    assert "new: it lasts longer than 30 days" in refused(capsys, *adding(site), code=ExitCode.BAD_CONFIG)


# --- a new site -------------------------------------------------------------------------------------------------------


def test_a_new_site_names_nobody_and_then_whom_the_operator_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site, store = tmp_path / "site", ["--store", str(tmp_path / "runs")]
    assert main(["init", str(site)]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out.endswith(
        f"next: name your hosts in {site}/hosts.yml, then: cd {site} && hardener audit\n"
    )
    monkeypatch.chdir(site)
    look = ["audit", "--controls", "kernel-ipv6-use", *store]
    for words in (look, ["plan", *look[1:3]], ["apply", "--yes", *store], ["rollback", "latest", "--yes", *store]):
        assert main(words) == ExitCode.BAD_CONFIG
    assert capsys.readouterr().err.splitlines()[:3] == [f"hardener: {site}/hosts.yml: names no target"] * 3
    hosts = site / "hosts.yml"
    hosts.write_text(
        re.sub(r"^( *)# ((?:this|  ansible_connection).*)", r"\1\2", hosts.read_text(), flags=re.MULTILINE)
    )
    assert main(look) == ExitCode.COMPLIANT
    assert main(["waivers", "lint", *store]) == ExitCode.COMPLIANT
    run = Store(tmp_path / "runs", str(site)).load("latest")
    assert (run.profile, [result.target for result in run.results]) == ("site", ["this-machine"])


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hosts.yml").write_text("mine")
    assert main(["init", str(tmp_path)]) == ExitCode.COMPLIANT
    told = capsys.readouterr().out
    assert f"kept  {tmp_path}/hosts.yml\n" in told
    assert f"wrote {tmp_path}/waivers.yml\n" in told
    assert (tmp_path / "hosts.yml").read_text() == "mine"


def test_init_that_cannot_write_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert "Not a directory" in refused(capsys, "init", str(tmp_path / "file" / "site"), code=ExitCode.BAD_CONFIG)


def test_every_commented_example_holds(site: Path) -> None:
    """What the comments show is what one gets by removing the comment signs."""
    file = site / "waivers.yml"
    text = file.read_text()
    shown = "\n".join(line[1:] for line in text.splitlines() if line.startswith(("#   -", "#     ")))
    file.write_text(f"waivers:\n{shown}\n")
    assert [item.waiver.id for item in load_waivers([file], discover())] == ["legacy-nfs"]
    profile = site / "profiles" / "site.yml"
    profile.write_text(profile.read_text().replace("parameters: {}", "parameters:").replace("#   ", "  "))
    assert load_profile(str(profile), discover()).parameters == {"sshd_options": {"maxauthtries": 3}}
    settings = (site / "hardener.yml").read_text()
    for option in ("store", "batches", "guard_seconds", "workers", "transport", "silent_nights", "notify"):
        settings = settings.replace(f"# {option}:", f"{option}:")
    assert load_project(write(site, settings)).options.keys() >= {"store", "batches", "guard_seconds", "workers"}


@pytest.mark.parametrize("text", [FULL, (EXAMPLE / "hardener.yml").read_text(), "{}"], ids=["full", "example", "empty"])
def test_the_published_schema_fits(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), json.loads(schema()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"colour": "red"}, json.loads(schema()))
