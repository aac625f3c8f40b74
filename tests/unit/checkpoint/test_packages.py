"""A package that is about to go is built again from what dpkg says of it."""

from hardener.checkpoint.packages import conffiles_of, control_of

DESCRIBED = """\
Package: telnet
Status: install ok installed
Priority: optional
Version: 0.17+2.4-2
Conffiles:
 /etc/telnetrc 0123456789abcdef
 /etc/old 0123456789abcdef obsolete
Depends: netbase
Description: basic client
 of a protocol
 Status: no field, but text
"""


def test_the_control_file_says_what_the_package_is_and_not_how_it_is_installed() -> None:
    assert control_of(DESCRIBED) == (
        "Package: telnet\nPriority: optional\nVersion: 0.17+2.4-2\nDepends: netbase\n"
        "Description: basic client\n of a protocol\n Status: no field, but text\n"
    )


def test_former_configuration_files_are_not_its_own() -> None:
    assert conffiles_of(DESCRIBED) == ["/etc/telnetrc"]
    assert conffiles_of("Package: x\n") == []
