"""What probes ask, and how the answers read: one question serves every control that needs it.

Each function is plain testinfra (``host.run``), a pure read, and raises ``CouldNotLook`` where the command itself
failed: an empty answer from a broken command must never read as "nothing there".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from hardener.catalogue.control import CouldNotLook, Host, NotApplicable, command
from hardener.untrusted import json_of, number

COMMAND_NOT_FOUND = 127
EXCLUDED = "-"
"""What a sysctl.d line ``-key`` without a value says: no glob sets the key."""
SOCKETS = "ss -H -l -n -t -u -p --cgroup"
"""What listens, with its programs and its unit."""
SSHD_OPTIONS = "sshd -T -C user=root,host=localhost,addr=0.0.0.0"

_read_once = lru_cache(maxsize=64)
"""For readings of long answers: many controls share one, and often many targets do."""


def ask(host: Host, command: str, *args: str) -> str:
    """The standard output of a command that must succeed."""
    result = host.run(command, *args)
    if result.rc != 0:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise CouldNotLook(
            f"{command.split(maxsplit=1)[0]} failed with status {result.rc}" + (f": {said[-1]}" if said else "")
        )
    return result.stdout


def number_or_text(text: str) -> int | str:
    """Numbers as numbers, so that reports and drift compare values and not spellings."""
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text


def installed_packages(host: Host) -> frozenset[str]:
    """Names of the packages that are unpacked on the host, whatever their configuration state."""
    return _packages(ask(host, "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"))


@_read_once
def _packages(listing: str) -> frozenset[str]:
    rows = [line.split() for line in listing.splitlines()]
    return frozenset(row[0] for row in rows if row[1] not in {"not-installed", "config-files"})


OUR_UNITS = frozenset(
    """
    apache2.service apache2.socket apparmor.service apt-daily-upgrade.timer apt-daily.timer auditd.service
    autofs.service avahi-daemon.service avahi-daemon.socket bluetooth.service chrony.service cron.service cups.path
    cups.service cups.socket dailyaidecheck.timer dnsmasq.service dovecot.service dovecot.socket firewalld.service
    hardener-firewall.service isc-dhcp-server.service isc-dhcp-server6.service kea-dhcp4-server.service
    kea-dhcp6-server.service logrotate.timer named.service netfilter-persistent.service nfs-server.service
    nginx.service ntp.service ntpsec.service openntpd.service rpcbind.service rpcbind.socket rsync.service
    rsyslog.service slapd.service smbd.service snmpd.service squid.service syslog-ng.service
    systemd-journal-remote.service systemd-journal-remote.socket systemd-journal-upload.service
    systemd-journald.service systemd-timesyncd.service tftpd-hpa.service ufw.service vsftpd.service xinetd.service
    ypserv.service
    """.split()  # noqa: SIM905  (a list would be a page)
)
"""Units that controls of ours are about: one question asks for the files of all of them, another whether they run.

By name, for a look at every unit file there is takes systemd half a second, and at these a fortieth of that.
"""


def unit_file_states(host: Host, *units: str) -> Mapping[str, str]:
    """Unit name → ``enabled``, ``disabled``, ``masked``, ``static`` … for those of these units that have a file."""
    return _column(ask(host, unit_files_question(units)), 1)


@lru_cache(maxsize=64)
def unit_files_question(units: tuple[str, ...] = ()) -> str:
    """What asks for the unit files of these units, and of ours in any case."""
    return _about_units("systemctl list-unit-files --no-legend --no-pager --plain --full", units)


def unit_active_states(host: Host, *units: str) -> Mapping[str, str]:
    """Unit name → ``active``, ``inactive``, ``failed`` … for those of these units that systemd has loaded."""
    return _column(ask(host, active_units_question(units)), 1)


@lru_cache(maxsize=64)
def active_units_question(units: tuple[str, ...] = ()) -> str:
    """What asks whether these units run, and ours in any case.

    Of a row, the name and that state alone: what else is there changes from audit to audit, and would be evidence.
    """
    listing = _about_units("systemctl list-units --all --no-legend --no-pager --plain --full", units)
    return f"units=$({listing}) && printf '%s\\n' \"$units\" | awk '{{ print $1, $3 }}'"


def _about_units(listing: str, units: tuple[str, ...]) -> str:
    named = sorted(OUR_UNITS.union(units))
    return command(listing + " %s" * len(named), *named)


@_read_once
def _column(listing: str, index: int) -> Mapping[str, str]:
    """First word of each row → another one."""
    return {row[0]: row[index] for row in map(str.split, listing.splitlines()) if len(row) > index}


def systemd_settings(host: Host, file: str) -> Mapping[tuple[str, str], str]:
    """(section, name) → the value that wins in ``/etc/<file>`` and its drop-ins; ``systemd/journald.conf``."""
    return _ini_settings(ask(host, "systemd-analyze cat-config %s", file))


@_read_once
def _ini_settings(listing: str) -> Mapping[tuple[str, str], str]:
    settings: dict[tuple[str, str], str] = {}
    section = ""
    for line in map(str.strip, listing.splitlines()):
        if match := re.fullmatch(r"\[(.+)\]", line):
            section = match[1]
        elif "=" in line and not line.startswith(("#", ";", "=")):
            name, _, value = line.partition("=")
            settings[section, name.rstrip()] = value.lstrip()
    return settings


def loaded_modules(host: Host) -> frozenset[str]:
    """Names of the kernel modules that are loaded, in the kernel's spelling."""
    return frozenset(line.split()[0] for line in ask(host, "cat /proc/modules").splitlines())


def module_settings(host: Host) -> Sequence[Sequence[str]]:
    """Every ``install`` and ``blacklist`` line modprobe obeys, in words, modules in the kernel's spelling."""
    listing = ask(host, "modprobe --showconfig | sed -n -e '/^install /p' -e '/^blacklist /p'")
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [[row[0], row[1].replace("-", "_"), *row[2:]] for row in rows if len(row) > 1]


def builtin_modules(host: Host) -> frozenset[str]:
    """Names of the modules compiled into the running kernel."""
    listing = ask(host, 'cat "/lib/modules/$(uname -r)/modules.builtin"')
    return frozenset(line.rsplit("/", 1)[-1].removesuffix(".ko").replace("-", "_") for line in listing.splitlines())


def sysctl_at_boot(host: Host) -> Mapping[str, tuple[str, str]]:
    """Sysctl key or glob → (value, file that wins), as systemd-sysctl will apply them at the next boot."""
    return _sysctl_settings(ask(host, "/usr/lib/systemd/systemd-sysctl --cat-config"))


@_read_once
def _sysctl_settings(listing: str) -> Mapping[str, tuple[str, str]]:
    settings: dict[str, tuple[str, str]] = {}
    file = ""
    for line in listing.splitlines():
        if match := re.fullmatch(r"# (/\S+)", line):
            file = match[1]
        elif match := re.fullmatch(r"-?([^#;=\s]+)\s*=\s*(.*)", line.strip()):
            settings[sysctl_key(match[1])] = (match[2], file)
        elif match := re.fullmatch(r"-([^#;=\s]+)", line.strip()):
            settings[sysctl_key(match[1])] = (EXCLUDED, file)
    return settings


def sysctl_key(name: str) -> str:
    """A key in dotted form; systemd also takes slashes, in which dots belong to an interface's name."""
    first = re.search(r"[./]", name)
    return name.translate(str.maketrans("/.", "./")) if first and first[0] == "/" else name


def setting_at_boot(settings: Mapping[str, tuple[str, str]], key: str) -> tuple[str, str] | None:
    """The (value, file) that wins for one key; a glob counts only where nothing names the key, as in sysctl.d(5)."""
    if key in settings:
        return None if settings[key][0] == EXCLUDED else settings[key]
    globs = [found for pattern, found in settings.items() if fnmatchcase(key, pattern)]
    return globs[-1] if globs else None


def sshd_options(host: Host) -> Mapping[str, Sequence[str]]:
    """Option in lower case → its values, as a root login from nowhere in particular would meet them.

    Asked with a connection specification, so that Match blocks for root or for everybody show.
    """
    if host.run(SSHD_OPTIONS).rc == COMMAND_NOT_FOUND and "openssh-server" not in installed_packages(host):
        raise NotApplicable("no ssh server is installed")
    return _sshd_options(ask(host, SSHD_OPTIONS))


@_read_once
def _sshd_options(listing: str) -> Mapping[str, Sequence[str]]:
    options: dict[str, list[str]] = {}
    for line in listing.splitlines():
        name, _, value = line.partition(" ")
        options.setdefault(name.lower(), []).append(value.strip())
    return options


def mounted(host: Host) -> Mapping[str, Mapping[str, Any]]:
    """Mount point → ``source``, ``fstype`` and ``options`` (a list); where mounts are stacked, the visible one."""
    said = ask(host, "findmnt --json --list --output TARGET,SOURCE,FSTYPE,OPTIONS")
    # findmnt prints a byte that is no UTF-8 as it is, and reads of it as \xHH, which is none of JSON's escapes.
    tree = json_of(re.sub(r"\\\\|\\x", lambda match: match[0].replace(r"\x", r"\\x"), said))
    return {
        row["target"]: {"source": row["source"], "fstype": row["fstype"], "options": row["options"].split(",")}
        for row in tree["filesystems"]
    }


def mounted_at_boot(host: Host) -> Mapping[str, Sequence[str]]:
    """Mount point → options the next boot mounts it with.

    Unit files of the administrator win over fstab, fstab over those of packages, and systemd mounts /dev/shm by
    itself, to which fstab only adds options.
    """
    packaged, administered = _mount_units(host)
    own = {"/dev/shm": ("nosuid", "nodev")}  # noqa: S108  (a mount point, not a temporary file)
    return {**own, **packaged, **_fstab(host), **administered}


def _mount_units(host: Host) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Mount point → options of the enabled mount units of packages, and of those of the administrator.

    Named by a pattern, for which systemd looks at ten files; asked for by type it looks at all, for half a second.
    """
    listing = ask(
        host,
        "systemctl cat --no-pager $(systemctl list-unit-files --no-legend --no-pager --plain --state=enabled,static "
        "'*.mount' | cut -d ' ' -f 1)",
    )
    settings: dict[str, dict[str, str]] = {}
    unit: dict[str, str] = {}
    for line in listing.splitlines():
        if match := re.fullmatch(r"# (/\S+/)([^/]+\.mount)(\.d/[^/]+)?", line):
            unit = settings.setdefault(match[2], {"directory": match[1]})
        elif match := re.fullmatch(r"(Where|Options)=(.*)", line):
            unit[match[1]] = match[2]
    groups: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    for unit in settings.values():
        is_administered = unit["directory"].startswith("/etc/")
        groups[is_administered][unit["Where"]] = unit.get("Options", "").split(",")
    return groups


def _fstab(host: Host) -> Mapping[str, Sequence[str]]:
    rows = [line.split() for line in ask(host, "cat /etc/fstab").splitlines() if not line.lstrip().startswith("#")]
    return {row[1]: row[3].split(",") for row in rows if len(row) > 3 and "noauto" not in row[3].split(",")}


def listening_sockets(host: Host) -> Sequence[tuple[str, int]]:
    """(address, port) of every listening TCP socket; IPv6 addresses without brackets or zone."""
    rows = [line.split() for line in ask(host, "ss -H -l -n -t").splitlines()]
    split = [row[3].rsplit(":", 1) for row in rows if len(row) > 3]
    return [(address.strip("[]").split("%")[0], number(port)) for address, port in split]


def listening_programs(host: Host) -> Mapping[str, Sequence[str]]:
    """Protocol and address of every listening TCP and UDP socket → its programs, by name: numbers change daily.

    Only root sees whose socket it is: the program is ``unknown`` to others.
    """
    listeners: dict[str, set[str]] = {}
    for row in socket_rows(ask(host, "ss -H -l -n -t -u -p")):
        programs = re.findall(r'\("([^"]+)"', " ".join(row[6:])) or ["unknown"]
        listeners.setdefault(f"{row[0]} {row[4]}", set()).update(programs)
    return {socket: sorted(programs) for socket, programs in sorted(listeners.items())}


def socket_rows(listing: str) -> Sequence[Sequence[str]]:
    """The words of each row of ``ss -Hlntu``.

    The name of a program, in which a user may put a line break, is the last that is told of a socket: what stands
    behind one is no row.
    """
    rows = [line.split() for line in listing.split("\n")]
    return [row for row in rows if re.match(r"(tcp|udp) \S+ \d+ \d+ \S+:\S+ ", " ".join([*row, ""]))]


def file_attributes(host: Host, pattern: str) -> Mapping[str, Mapping[str, str]]:
    """Path → ``mode`` (octal), ``owner``, ``group`` of the regular files a shell pattern names; symlinks followed.

    A pattern that ends with a slash is about directories.
    """
    kind = "-d" if pattern.endswith("/") else "-f"
    listing = ask(host, f'for path in {pattern}; do [ ! {kind} "$path" ] || stat -L -c "%a %U %G %n" "$path"; done')
    rows = [line.split(None, 3) for line in listing.splitlines()]
    return {row[3]: {"mode": row[0].zfill(4), "owner": row[1], "group": row[2]} for row in rows}
