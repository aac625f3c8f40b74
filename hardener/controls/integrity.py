"""Integrity: AIDE knows what the files looked like, compares them every day, and guards the audit tools closely."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation
from hardener.model import Severity

AUDIT_TOOLS = ("auditctl", "auditd", "augenrules", "aureport", "ausearch", "autrace")
CONTAINER_STORAGE = (
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/lib/rancher",
    "/run/containerd",
)
DIRECTORY_ENDINGS = ("", "/", "$", "/.*", "/.+", "/.*$", "(/|$)", "(/.*)?", "(/.*)?$")
"""How a rule about a directory, or about all that is in it, may end."""
TIMER = "dailyaidecheck.timer"
OWN_FILE = "/etc/aide/aide.conf.d/00_hardener"
STRONG = ("sha256", "sha512", "sha512_256", "sha3_256", "sha3_512")
"""Checksums of AIDE's that NIST approves (FIPS 180-4 and 202)."""


def _is_installed(host: Host) -> bool:
    return "aide" in seen.installed_packages(host)


def _rules(host: Host) -> Sequence[str]:
    """AIDE's rules about audit tools and about what it leaves out, in the order in which it reads them.

    Read and not asked for, for AIDE takes half a second to print its rules: it runs twenty scripts of the package.
    """
    return seen.ask(
        host,
        "for file in /etc/aide/aide.conf /etc/aide/aide.conf.d/*; do "
        'case "${file#/etc/aide/aide.conf}" in *[!a-zA-Z0-9_/.-]*|/*.*) continue ;; esac; '
        '[ ! -f "$file" ] || [ -x "$file" ] || set -- "$@" "$file"; done; '
        "[ $# -eq 0 ] || sed -nE -e '\\#^/usr/sbin/au#p' -e '\\#^!/(run|var)/#p' \"$@\"",
    ).splitlines()


def attributes_of(path: str, rules: Sequence[str]) -> str | None:
    """What AIDE compares of a file that has a rule of its own: the first such rule counts, as it does for AIDE."""
    for rule in rules:
        words = rule.split()
        if len(words) > 1 and words[0].removesuffix("$") == path:
            return words[-1]
    return None


def leaves_out(path: str, rules: Sequence[str]) -> bool:
    """Whether a rule keeps AIDE out of a directory; of expressions only the common ways to say that are understood."""
    expressions = {rule.split()[0] for rule in rules}
    return any(f"!{path}{ending}" in expressions for ending in DIRECTORY_ENDINGS)


def _baseline(host: Host) -> JsonValue:
    """Where the database is that AIDE compares with; ``None`` where there is none, or an empty one."""
    path = seen.ask(
        host,
        "file=$(sed -n 's/^[[:space:]]*database_in=file://p' /etc/aide/aide.conf 2>/dev/null | tail -n 1); "
        '[ ! -s "${file:-/var/lib/aide/aide.db}" ] || echo "${file:-/var/lib/aide/aide.db}"',
    ).strip()
    return {"aide": "present" if _is_installed(host) else "absent", "database": path or None}


def _strong_checksums(_: object) -> Expectation:
    """What a site may have a new baseline made of."""
    return accept.satisfying(
        f"some of {', '.join(STRONG)}, joined by +, or empty",
        lambda names: names == "" or {*str(names).split("+")} <= {*STRONG},
    )


def _schedule(host: Host) -> JsonValue:
    """The timer, now and after a reboot, and lines that run AIDE of crontabs that root alone can write."""
    lines = seen.ask(
        host,
        "find /etc/crontab /etc/cron.d /var/spool/cron/crontabs/root -type f 2>/dev/null "
        "-exec grep -hE '^[^#]*aide.*( -C| -u|--check|--update)' {} + || true",
    )
    timer: JsonValue = {
        NOW: seen.unit_active_states(host, TIMER).get(TIMER, "inactive"),
        AFTER_REBOOT: seen.unit_file_states(host, TIMER).get(TIMER, "absent"),
    }
    return {"aide": "present" if _is_installed(host) else "absent", "timer": timer, "cron": [*lines.splitlines()]}


def _on_schedule(_: object) -> Expectation:
    timer = accept.fields({NOW: accept.equals("active"), AFTER_REBOOT: accept.equals("enabled")})
    installed = accept.equals("present")
    return accept.any_of(
        accept.fields({"aide": installed, "timer": timer}),
        accept.fields({"aide": installed, "cron": accept.something()}),
    )


def _audit_tools(host: Host) -> JsonValue:
    """Audit tool → what AIDE compares of it by a rule of its own."""
    rules = _rules(host) if _is_installed(host) else []
    return {tool: attributes_of(f"/usr/sbin/{tool}", rules) for tool in AUDIT_TOOLS}


def at_least_attributes(wanted: str) -> Expectation:
    """Attributes in AIDE's spelling, joined by plus signs; more of them are welcome."""

    def complaints(observed: object) -> Sequence[str]:
        missing = [name for name in str(wanted).split("+") if name not in str(observed or "").split("+")]
        return (f"lacks {', '.join(missing)}",) if missing else ()

    return Expectation(f"at least {wanted}", complaints)


def _watched_storage(host: Host) -> JsonValue:
    """Directories with the files of containers that the host has, and AIDE walks into."""
    existing = seen.ask(
        host, 'for path in %s %s %s %s %s %s; do [ ! -d "$path" ] || echo "$path"; done', *CONTAINER_STORAGE
    )
    rules = _rules(host)
    return [path for path in existing.split() if not leaves_out(path, rules)]


CONTROLS = [
    Control(
        subject="container-storage",
        observe=_watched_storage,
        expect=lambda _: accept.nothing(),
        parameters=[Parameter("left_out", (f"!{path}/",), accept.equals) for path in CONTAINER_STORAGE],
        remedy="Has AIDE leave out what is in these directories, before a baseline is taken.",
        violation=Violation([f"mkdir --parents {CONTAINER_STORAGE[0]}", f"rm --force {OWN_FILE}"]),
        title="AIDE stays out of the storage of containers",
        why="Layers of images come and go by the thousand; a report that is always long is a report nobody reads.",
        severity=Severity.LOW,
        needs_root=True,
    ),
    Control(
        subject="audit-tools",
        observe=_audit_tools,
        expect=lambda values: accept.fields(dict(zip(AUDIT_TOOLS, map(at_least_attributes, values), strict=True))),
        parameters=[Parameter("guarded", (f"/usr/sbin/{tool}",), at_least_attributes) for tool in AUDIT_TOOLS],
        remedy="Gives each tool a rule of its own in a file that AIDE reads first; the baseline stays as it is.",
        violation=Violation(
            [
                f"rm --force {OWN_FILE}",
                f"printf '/usr/sbin/auditctl p+sha512\\n' >> {OWN_FILE}",
            ]
        ),
        title="AIDE guards the audit tools closely",
        why="Whoever replaces them decides what the audit log says about it.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
    Control(
        subject="baseline",
        observe=_baseline,
        expect=lambda values: accept.fields({"aide": accept.equals("present"), "database": accept.equals(values[0])}),
        parameters=[
            Parameter("baseline", ("database",), accept.equals),
            Parameter("baseline", ("checksums",), _strong_checksums),
        ],
        remedy="Takes a baseline where there is none, which reads every file once, with the checksums of "
        "integrity_baseline; an existing one is never replaced, and its checksums stay.",
        violation=Violation(["mv /var/lib/aide/aide.db /var/lib/aide/aide.db.lab"]),
        title="AIDE knows what the files looked like",
        why="A change can only be seen by somebody who remembers how it was before.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
    Control(
        subject="schedule",
        observe=_schedule,
        expect=_on_schedule,
        parameters=[Parameter("units", (TIMER,), accept.equals)],
        remedy="Enables and starts the daily timer of the package.",
        violation=Violation([command("systemctl --quiet disable %s; systemctl --quiet stop %s", TIMER, TIMER)]),
        title="Files are compared every day",
        why="A comparison that nobody starts finds nothing; one that runs daily finds an intruder within a day.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
]
