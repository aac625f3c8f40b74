"""Whole audits of real nodes, replayed: what was seen of a soft and of a hardened one leads to the same verdicts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from hardener.audit import Examination, examine
from hardener.catalogue import observations
from hardener.catalogue.benchmarks import benchmark_named
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.catalogue.reference import questions
from hardener.conductor.record import Start, make_run
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.model import (
    Answer,
    Connection,
    Finding,
    Outcome,
    Question,
    RunKind,
    Target,
    TargetResult,
    Transcript,
    score,
)
from hardener.platforms import PLATFORMS
from hardener.selection import Selection
from hardener.transcript import host_of

RECORDED = sorted((Path(__file__).parent.parent / "transcripts").glob("*.json.gz"))
HARDENED = next(file for file in RECORDED if file.name.startswith("vm12-hardened"))
CATALOGUE = discover()
SELECTION = Selection(catalogue=CATALOGUE, profile=load_profile("beyond-cis", CATALOGUE))
TARGET = Target(name="replay", connection=Connection(host="replay"), values=role_defaults(roles_directory()))


def answers_of(file: Path) -> Mapping[str, Answer]:
    return Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes()))).answers


def replayed(file: Path) -> dict[str, Outcome]:
    return {item.control: item.outcome for item in examine(SELECTION, TARGET, answers_of(file)).findings}


def under(profile: str, release: str) -> dict[str, Finding]:
    """What a hardened machine shows under a profile, if it were of this release of Debian."""
    said = Answer(exit_status=0, stdout=f'ID=debian\nVERSION_ID="{release}"\n'.encode())
    answers = {**answers_of(HARDENED), "cat /etc/os-release": said}
    selection = Selection(CATALOGUE, load_profile(profile, CATALOGUE))
    return {item.control: item for item in examine(selection, TARGET, answers).findings}


OTHERS = {
    "ubuntu 22.04": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n',
    "ubuntu 24.04": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
    "rhel 9.4": 'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n',
    "alpine 3.20.3": "ID=alpine\nVERSION_ID=3.20.3\n",
    "debian 11": 'ID=debian\nVERSION_ID="11"\n',
    "debian rolling": "ID=debian\n",
    "devuan 5": 'ID=devuan\nID_LIKE=debian\nVERSION_ID="5"\n',
}
"""System → what its os-release says."""


def of_system(said: str, declared: str | None = None, exit_status: int = 0) -> Examination:
    """A hardened machine, if this were its os-release, and its inventory declared it to be as good as another."""
    release = Answer(exit_status=exit_status, stdout=said.encode())
    other = TARGET.model_copy(update={"platform": PLATFORMS[declared] if declared else None})
    return examine(SELECTION, other, {**answers_of(HARDENED), "cat /etc/os-release": release})


@pytest.mark.parametrize("system", OTHERS)
def test_of_another_system_nothing_is_judged(system: str) -> None:
    seen = of_system(OTHERS[system])
    assert seen.problem == f"nothing here is about {system}: the controls are for debian 12 and debian 13"
    assert {finding.outcome for finding in seen.findings} == {Outcome.NOTAPPLICABLE}
    assert {finding.reason for finding in seen.findings} == {seen.problem}
    assert score(seen.findings, with_waivers=True).percent is None


def test_without_an_os_release_nobody_knows_what_a_target_is() -> None:
    seen = of_system("", exit_status=1)
    assert seen.problem == "the target could not be identified: /etc/os-release names no ID"


@pytest.mark.parametrize("system", ["ubuntu 22.04", "debian 11", "devuan 5"])
def test_a_derivative_that_is_declared_is_judged_as_what_it_is_made_from_and_says_so(system: str) -> None:
    seen = of_system(OTHERS[system], "debian-12")
    assert seen.problem is None
    assert {item.control: item.outcome for item in seen.findings} == replayed(HARDENED)
    assert seen.facts is not None
    assert seen.facts.system == f"{system}, declared as debian 12"
    run = make_run(Start(RunKind.AUDIT), SELECTION, [TargetResult(target="a", facts=seen.facts)])
    assert run.limitations == (f"judged as systems they were declared to be, and are not: a ({system})",)


@pytest.mark.parametrize("system", ["rhel 9.4", "alpine 3.20.3"])
def test_what_is_made_from_another_system_cannot_be_declared(system: str) -> None:
    seen = of_system(OTHERS[system], "debian-12")
    assert seen.problem == f"{system} is declared as debian 12, and is not made from debian"
    assert {finding.outcome for finding in seen.findings} == {Outcome.NOTAPPLICABLE}


def test_what_a_target_is_need_not_be_declared() -> None:
    seen = of_system('ID=debian\nVERSION_ID="12"\n', "debian-12")
    assert seen.facts is not None
    assert seen.facts.system == "debian 12"


def not_selected(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.outcome is Outcome.NOTSELECTED}


def test_the_units_of_one_question_are_those_that_controls_are_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    def noting(question: Callable[[tuple[str, ...]], str]) -> Callable[[tuple[str, ...]], str]:
        def noted(units: tuple[str, ...] = ()) -> str:
            asked.update(units)
            return question(units)

        return noted

    class Silent(dict[str, Answer]):
        """Says nothing to whatever else is asked, so that controls nobody chose there are seen asking as well."""

        def get(self, command: str, _default: object = None) -> Answer:
            return super().get(command) or Answer(exit_status=0)

    for name in ("unit_files_question", "active_units_question"):
        monkeypatch.setattr(observations, name, noting(getattr(observations, name)))
    for file in RECORDED:
        for control in CATALOGUE.values():
            with suppress(Exception):
                control.observe(host_of(Silent(answers_of(file)))[0])
    assert asked == observations.OUR_UNITS


def test_both_states_of_both_kinds_of_node_are_recorded() -> None:
    names = {file.name.removesuffix(".json.gz") for file in RECORDED}
    assert names >= {"container12-soft", "container12-hardened", "vm12-soft", "vm12-hardened"}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name.removesuffix(".json.gz"))
def test_nothing_is_unknown_and_manual_controls_never_pass(file: Path) -> None:
    outcomes = replayed(file)
    assert not examine(SELECTION, TARGET, answers_of(file)).missing, "a question was changed and not recorded anew"
    assert not [name for name, outcome in outcomes.items() if outcome in {Outcome.ERROR, Outcome.UNKNOWN}]
    manual = {name for name in outcomes if CATALOGUE[name].is_manual}
    assert {outcomes[name] for name in manual} <= {Outcome.INFORMATIONAL, Outcome.NOTAPPLICABLE}


@pytest.mark.parametrize("kind", ["container12", "vm12"])
def test_the_soft_node_fails_where_the_hardened_one_passes(kind: str) -> None:
    soft, hardened = (replayed(file) for file in sorted(RECORDED, reverse=True) if file.name.startswith(kind))
    remediable = {name for name, control in CATALOGUE.items() if control.is_remediable}
    failing, left = (
        {name for name, outcome in outcomes.items() if outcome is Outcome.FAIL} & remediable
        for outcomes in (soft, hardened)
    )
    assert len(failing) > 80
    assert not left
    assert failing <= {name for name, outcome in hardened.items() if outcome is Outcome.PASS}


@pytest.mark.parametrize("release", ["12", "13"])
@pytest.mark.parametrize(("profile", "deepest"), [("cis-level1", 1), ("cis-level2", 2)])
def test_a_target_is_held_to_the_benchmark_of_its_own_release(profile: str, deepest: int, release: str) -> None:
    benchmark = benchmark_named(f"cis-debian-{release}", CATALOGUE.benchmarks, location="")
    items = benchmark.recommendations.values()
    asked = {name for item in items if item.level is not None and item.level <= deepest for name in item.controls}
    selected = CATALOGUE.keys() - not_selected(under(profile, release))
    brought = selected - asked
    assert asked <= selected
    assert all(any(CATALOGUE[name].is_needed_by(other) for other in selected) for name in brought)
    assert {CATALOGUE[name].role for name in brought} <= {"packages"}, "what the remedies of the others need"


def test_what_the_benchmark_of_its_release_does_not_ask_for_says_so() -> None:
    twelve, thirteen = under("cis-level1", "12"), under("cis-level1", "13")
    only_for_12 = "logging-one-system"
    assert twelve[only_for_12].outcome is Outcome.PASS
    assert thirteen[only_for_12].reason == "no number of cis-debian-13-1.0.0 asks for it"
    assert twelve["services-ports"].reason == "no number of cis-debian-12-1.1.0 asks for it"
    assert thirteen["auditd-service"].reason == "level 2 is not in profile cis-level1"
    assert thirteen["sshd-access"].outcome is twelve["sshd-access"].outcome is Outcome.PASS


@pytest.mark.parametrize("release", ["12", "13"])
def test_beyond_the_benchmark_everything_is_asked_of_every_release(release: str) -> None:
    everything = under("beyond-cis", release)
    assert not not_selected(everything)
    assert everything["services-ports"].outcome is Outcome.PASS


def test_before_the_release_is_known_whatever_is_asked_of_any_is_asked() -> None:
    selection = Selection(CATALOGUE, load_profile("cis-level1", CATALOGUE))
    missing = examine(selection, TARGET, {}).missing
    (question,) = questions(CATALOGUE["packages-apt-sources"])[:1]
    assert "cis-debian13" not in CATALOGUE.records["packages-apt-sources"].references
    assert Question(command=question) in missing
    assert Question(command="cat /etc/os-release") in missing
