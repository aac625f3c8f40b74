"""What the controls about files of the whole system show, and who has to mend it."""

from __future__ import annotations

import pytest

from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.controls import filesystem
from hardener.model import Values
from tests.unit.controls.recorded import RecordedHost
from tests.unit.test_walk import END, host

CATALOGUE = catalogue_of([("filesystem", filesystem.CONTROLS)])
VALUES: Values = {
    "filesystem_shadow_modes": {"/etc/shadow": "0640"},
    "filesystem_file_modes": {"/etc/passwd": "0644"},
}


def stat_of(path: str, answer: str) -> RecordedHost:
    question = f'for path in {path}; do [ ! -f "$path" ] || stat -L -c "%a %U %G %n" "$path"; done'
    return RecordedHost({question: (0, f"{answer} {path}\n" if answer else "", "")})


def accepts(name: str, on: RecordedHost) -> bool:
    control = CATALOGUE[name]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.accepts(control.observe(on))


def test_shadow_may_stay_with_its_group_and_nobody_else() -> None:
    assert accepts("filesystem-shadow", stat_of("/etc/shadow", "640 root shadow"))
    assert accepts("filesystem-shadow", stat_of("/etc/shadow", "600 root root"))
    assert not accepts("filesystem-shadow", stat_of("/etc/shadow", "640 root users"))
    assert not accepts("filesystem-shadow", stat_of("/etc/shadow", "644 root shadow"))


def test_passwd_is_for_everybody_to_read_and_for_root_to_change() -> None:
    assert accepts("filesystem-passwd", stat_of("/etc/passwd", "644 root root"))
    assert not accepts("filesystem-passwd", stat_of("/etc/passwd", "664 root root"))
    assert not accepts("filesystem-passwd", stat_of("/etc/passwd", "644 plain root"))


def test_what_the_walk_finds_is_named_with_mode_and_owner() -> None:
    open_files = CATALOGUE["filesystem-world-writable"].observe(host())
    assert open_files == ["/srv/drop (0777 0:0)", "/srv/open (0666 1000:1000)"]
    assert not accepts("filesystem-world-writable", host())
    assert not accepts("filesystem-unowned", host())


def test_of_very_many_files_some_are_shown_and_the_rest_counted() -> None:
    many = "".join(f"world-writable 0666 0 0 f /srv/{number:04}\n" for number in range(filesystem.MOST_SHOWN + 7))
    shown = CATALOGUE["filesystem-world-writable"].observe(host(f"{many}{END}\n"))
    assert isinstance(shown, list)
    assert len(shown) == filesystem.MOST_SHOWN + 1
    assert shown[-1] == "and 7 more, such as /srv/0200"


def test_a_list_that_was_cut_fails_with_its_number() -> None:
    cut = host(f"more unowned 93000 /home/plain/x\n{END}\n")
    assert CATALOGUE["filesystem-unowned"].observe(cut) == ["and 93000 more, such as /home/plain/x"]
    assert not accepts("filesystem-unowned", cut)
    assert accepts("filesystem-world-writable", cut), "it is not about this kind"


def test_what_could_not_be_looked_at_is_no_pass_and_hides_no_finding() -> None:
    unseen = host(f"set-id 04755 0 0 f /usr/bin/su\nunseen Input/output error\t/srv/x\n{END}\n")
    with pytest.raises(CouldNotLook, match="/srv/x"):
        CATALOGUE["filesystem-unowned"].observe(unseen)
    shown = ["/usr/bin/su", "not looked at: /srv/x (Input/output error)"]
    assert CATALOGUE["filesystem-set-id-programs"].observe(unseen) == shown


def test_programs_with_other_rights_are_evidence_and_no_verdict() -> None:
    control = CATALOGUE["filesystem-set-id-programs"]
    assert control.is_manual
    assert control.observe(host()) == ["/usr/bin/chage", "/usr/bin/su"]
