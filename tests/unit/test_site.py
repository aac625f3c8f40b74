"""What a site adds to our content: found by looking, treated as ours is, and refused where names clash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.cli import main
from hardener.conductor import make_plans
from hardener.content import roles_directories, roles_directory
from hardener.errors import ConfigError, ExitCode, ProfileError
from hardener.inventory import Sources, read_targets, role_defaults
from hardener.model import Outcome
from hardener.project import lay_down
from hardener.selection import Selection
from hardener.store import Store
from tests.unit.builders import HERE, answer, facts_answers
from tests.unit.fleet import Fleet, Playbook, applied, conductor, settings
from tests.unit.test_cli import refused

PAGE = Path(__file__).parents[2] / "docs" / "site-content.md"
EXAMPLE = re.compile(r"`([a-z_/]+\.(?:py|yml))`[^\n]*:\n\n```(?:python|yaml)\n(.*?)```", re.DOTALL)
QUESTION = "apt-config shell found APT::Install-Recommends/b"
WRONG = facts_answers() | {QUESTION: answer("found='true'\n")}
RIGHT = facts_answers() | {QUESTION: answer("found='false'\n")}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The documentation's example, laid out as it says, in a site that has just begun."""
    lay_down(tmp_path)
    for name, text in EXAMPLE.findall(PAGE.read_text("utf-8")):
        put(tmp_path, name, text)
    return tmp_path


def put(site: Path, name: str, text: str) -> Path:
    file = site / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def selection(site: Path) -> Selection:
    catalogue = discover(site)
    return Selection(catalogue=catalogue, profile=load_profile("site", catalogue, site), pattern="packaging-*")


def test_the_example_has_every_part(site: Path) -> None:
    parts = {str(path.relative_to(site)) for path in site.rglob("*") if "packaging" in str(path) and path.is_file()}
    assert parts == {
        "benchmarks/packaging.yml",
        "controls/packaging.py",
        "roles/packaging/defaults/main.yml",
        "roles/packaging/meta/argument_specs.yml",
        "roles/packaging/tasks/main.yml",
        "tests/test_packaging.py",
    }


def test_the_examples_own_test_passes(site: Path) -> None:
    scope: dict[str, object] = {"__file__": str(site / "tests" / "test_packaging.py")}
    exec((site / "tests" / "test_packaging.py").read_text(), scope)
    test = scope["test_apt_is_asked_and_judged"]
    assert callable(test)
    for shown, holds in (("false", True), ("true", False)):
        test(shown, holds)


def test_its_role_is_on_the_roles_path_and_its_defaults_are_read(site: Path) -> None:
    paths = roles_directories(site)
    assert paths == [roles_directory(), site / "roles"]
    assert role_defaults(*paths)["packaging_apt"] == {"APT::Install-Recommends": "false"}
    assert roles_directories(None) == roles_directories(site.parent) == [roles_directory()]


def test_it_is_audited_planned_and_applied_as_ours_are(site: Path) -> None:
    chosen = selection(site)
    (host,) = read_targets(Sources(roles=roles_directories(site), inventories=["soft,"]))
    fleet = Fleet(soft=WRONG)
    playbook = Playbook(fleet, RIGHT)
    how = settings(playbook, roles=roles_directories(site))
    (plan,) = make_plans(
        conductor(Fleet(soft=WRONG), selection=chosen), [host], settings(Playbook(fleet, WRONG))
    ).targets
    assert [item.control for item in plan.changes] == ["packaging-recommends"]
    _, (after,) = applied(conductor(fleet, selection=chosen), [host], how)
    (run,) = playbook.runs
    assert run.roles == roles_directories(site)
    assert run.variables["soft"]["packaging_apt"] == {"APT::Install-Recommends": "false"}
    assert after.count(Outcome.FIXED) == 1


def test_commands_find_it_through_the_project_file(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site)
    put(site, "hosts.yml", HERE)
    assert main(["controls", "list", "packaging-*", "-p", "site"]) == ExitCode.COMPLIANT
    assert main(["controls", "show", "packaging-recommends"]) == ExitCode.COMPLIANT
    assert "packaging_apt.APT::Install-Recommends = false" in capsys.readouterr().out
    main(["audit", "--controls", "packaging-*", "-p", "site", "--store", "runs"])
    assert "packaging-recommends" in Store("runs", str(site)).load("latest").controls
    capsys.readouterr()
    put(site, "waivers.yml", "waivers: []\n")
    by = ["--requested-by", "ann", "--approved-by", "bob", "--kind", "false-positive", "--reason", "Seen."]
    words = ["waivers", "add", "--id", "w", "--controls", "packaging-*", *by, "--expires", "2999-01-01T00:00:00Z"]
    assert "lasts longer" in refused(capsys, *words, code=ExitCode.BAD_CONFIG)


def test_its_controls_have_the_level_and_the_numbers_that_its_benchmarks_say(site: Path) -> None:
    record = discover(site).records["packaging-recommends"]
    assert (record.level, record.references) == (1, {"nist-800-53": ("CM-7",)})


def test_a_control_that_no_benchmark_gives_a_level_is_refused(site: Path) -> None:
    (site / "benchmarks" / "packaging.yml").unlink()
    with pytest.raises(ConfigError, match=r"controls/packaging\.py:1: packaging-recommends has no level: name it in "):
        discover(site)


def test_another_version_of_a_benchmark_stands_beside_ours(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site)
    put(site, "hosts.yml", HERE)
    numbers = "  '9.1': {level: 1, judged_by: machine, controls: [packaging-recommends]}\n"
    numbers += "  '9.2': {level: 1, judged_by: machine}\n"
    put(site, "benchmarks/cis-debian-12-2.0.0.yml", f"title: Made up 2.0.0\nrecommendations:\n{numbers}")
    main(["audit", "--controls", "packaging-*", "--store", "runs"])
    capsys.readouterr()
    assert main(["controls", "coverage", "--benchmark", "cis-debian-12-1.1.0"]) == ExitCode.COMPLIANT
    assert "CIS Debian Linux 12 Benchmark 1.1.0: 310 recommendations" in capsys.readouterr().out
    assert main(["controls", "coverage", "--benchmark", "cis-debian-12"]) == 1
    assert "Made up 2.0.0: 2 recommendations, 1 automated, 1 GAP" in capsys.readouterr().out
    main(["report", "--by", "cis-debian-12-1.1.0", "--store", "runs"])
    assert "CIS Debian Linux 12 Benchmark 1.1.0: 310 requirements over 1 target" in capsys.readouterr().out
    main(["report", "--by", "cis-debian-12-2.0.0", "--store", "runs"])
    told = capsys.readouterr().out
    assert "Made up 2.0.0: 2 requirements over 1 target" in told
    assert "packaging-recommends" in told


def test_a_profile_extends_a_named_one_of_the_site(site: Path) -> None:
    file = put(site, "profiles/web.yml", "title: web\nextends: site\ncontrols: ['packaging-*']\n")
    catalogue = discover(site)
    assert load_profile("web", catalogue, site) == load_profile(str(file), catalogue, site)
    with pytest.raises(ProfileError, match=r"no profile 'nope'; there are beyond-cis, cis-.*, site, web"):
        load_profile("nope", catalogue, site)


CONTROLS = "from hardener.model import Severity\nCONTROLS = []\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "controls/sshd.py",
            CONTROLS,
            r"sshd\.py:1: these controls have the role of ours, .*controls/sshd\.py",
        ),
        ("roles/sshd/tasks/main.yml", "[]\n", r"roles/sshd: this role has the name of one of ours, .*roles/sshd: "),
        ("controls/broken.py", "CONTROLS = [\n  1 +\n]\n", r"broken\.py:\d: SyntaxError"),
        ("controls/broken.py", "import hardener\n\nhardener.nope\n", r"broken\.py:3: AttributeError"),
        ("controls/broken.py", "CONTROLS = [5]\n", r"broken\.py:1: it has no list CONTROLS of controls"),
        ("controls/broken.py", "", r"broken\.py:1: it has no list CONTROLS of controls"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_both(site: Path, name: str, text: str, message: str) -> None:
    put(site, name, text)
    with pytest.raises(ConfigError, match=message) as caught:
        discover(site)
    assert "\n" not in str(caught.value)


def test_controls_that_have_a_remedy_need_their_role(site: Path) -> None:
    put(site, "controls/lonely.py", (site / "controls" / "packaging.py").read_text())
    with pytest.raises(ConfigError, match=r"lonely\.py:1: their role is missing: .*roles/lonely"):
        discover(site)


def test_a_profile_with_a_name_of_ours_is_refused(site: Path) -> None:
    put(site, "profiles/cis-level1.yml", "title: mine\n")
    with pytest.raises(ProfileError, match=r"cis-level1\.yml:1: this profile has the name of one of ours"):
        load_profile("cis-level1", discover(site), site)


def test_helpers_are_left_alone(site: Path) -> None:
    put(site, "controls/_shared.py", "1 / 0\n")
    assert "packaging-recommends" in discover(site)
