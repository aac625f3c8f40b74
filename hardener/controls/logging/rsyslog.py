"""rsyslog, where it is the choice: it runs, writes files that are closed, and listens to nobody."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, CouldNotLook, Host, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation
from hardener.catalogue.kinds import review, running_service
from hardener.controls.logging.shared import RSYSLOG
from hardener.model import Disruption, Facts, HeldBack, Severity, Values, few

END_OF_CONFIGURATION = "##### END   CONFIG: /etc/rsyslog.conf"
RECEIVING = 'module(load="imudp")\\ninput(type="imudp" port="5514")\\n'
TIMER = "logrotate.timer"
BUILT_IN_MODE = "0644"
"""Mode of new files where nothing sets one."""
RECEIVER = re.compile(
    r"""(?:module\(\s*load|input\(\s*type)\s*=\s*"(?:im(?:p?tcp|udp|relp|gssapi|dtls))"
    | ^\$ModLoad\s+im(?:p?tcp|udp|relp|gssapi)
    | ^\$Input\w*ServerRun | ^\$UDPServerRun | ^\$InputTCPServerRun""",
    re.IGNORECASE | re.VERBOSE,
)
LEGACY_RULE = re.compile(r"[\w*,;!=.-]{1,64}?\.[\w*!=]\S*+\s++(?P<action>\S.*)")
FORWARDING = re.compile(r'omfwd|omrelp|\s@@?[\w\[(]|target\s*=\s*"', re.IGNORECASE)


def _lines(host: Host) -> Sequence[str]:
    """The whole configuration with every included file in its place, as rsyslogd itself puts it together.

    Nothing where rsyslog is not installed: it is the choice made, so its own controls have to fail. Like rsyslogd,
    which runs with what it understands, this reads on where a line is in error.
    """
    result = host.run("rsyslogd -N1 -o /dev/stdout 2>/dev/null")
    if result.rc == seen.COMMAND_NOT_FOUND and "rsyslog" not in seen.installed_packages(host):
        return []
    if END_OF_CONFIGURATION not in result.stdout:
        raise CouldNotLook(f"rsyslogd printed no configuration, and ended with status {result.rc}")
    return configuration_lines(result.stdout)


def configuration_lines(text: str) -> Sequence[str]:
    """Lines that say something: no comments, no blank ones, no indentation."""
    stripped = [line.strip() for line in text.splitlines()]
    return [line for line in stripped if line and not line.startswith("#")]


def rules(lines: Sequence[str]) -> Sequence[str]:
    """The lines that write something somewhere: selectors with an action, and actions of the newer spelling."""
    return [line for line in lines if not line.startswith("$") and (LEGACY_RULE.match(line) or "action(" in line)]


def file_modes(lines: Sequence[str]) -> Sequence[str]:
    """Every mode with which new log files are made, each once: what is set holds for the rules that follow it."""
    current, modes = BUILT_IN_MODE, []
    for line in lines:
        if match := re.match(r"\$FileCreateMode\s+([0-7]+)", line, re.IGNORECASE):
            current = match[1].zfill(4)
        own = re.search(r'FileCreateMode\s*=\s*"([0-7]+)"', line, re.IGNORECASE)
        if own and "module(" in line:
            current = own[1].zfill(4)
        elif own:
            modes.append(own[1].zfill(4))
        elif rules([line]) and _writes_a_file(line):
            modes.append(current)
    return list(dict.fromkeys(modes or [current]))


def _writes_a_file(line: str) -> bool:
    match = LEGACY_RULE.match(line)
    return "omfile" in line if match is None else match["action"].lstrip("-").startswith(("/", "?"))


def _file_create_modes(host: Host) -> JsonValue:
    lines = _lines(host)
    return [*file_modes(lines)] if lines else []


def _all_at_most(limit: str) -> Expectation:
    each = accept.mode_at_most(limit)

    def complaints(observed: object) -> Sequence[str]:
        modes = [observed] if isinstance(observed, str) else list(observed) if isinstance(observed, list) else []
        if not modes:
            return ("is not known: rsyslog is not installed",)
        return tuple(text for mode in modes for text in each.complaints(mode))

    return Expectation(each.words, complaints)


def _receivers(host: Host) -> JsonValue:
    """Sockets that rsyslogd listens on now, and lines of its configuration that open some."""
    sockets = [socket for socket, programs in seen.listening_programs(host).items() if "rsyslogd" in programs]
    return {NOW: [*sockets], AFTER_REBOOT: [line for line in _lines(host) if RECEIVER.search(line)]}


def serves_others(host: Host, _: Facts, values: Values) -> HeldBack | None:
    """An rsyslog that runs and sends messages to other hosts, or takes theirs, where it is not the choice."""
    unit = "rsyslog.service"
    if values["logging_choice"]["system"] == "rsyslog" or values["logging_others"][unit] == hazards.REPLACED:
        return None
    if seen.unit_active_states(host, unit).get(unit) != "active":
        return None
    lines = _lines(host)
    does = {
        "sends messages to other hosts": [line for line in lines if FORWARDING.search(line)],
        "takes messages of other hosts": [line for line in lines if RECEIVER.search(line)],
    }
    told = [f"{what} ({few(found, '; ')})" for what, found in does.items() if found]
    if not told:
        return None
    return HeldBack(
        reason=f"rsyslog {' and '.join(told)}, which would stop",
        go_on=f"set logging_choice.system to rsyslog to keep it, or set logging_others[{unit}] to {hazards.REPLACED}",
    )


def _rules(host: Host) -> JsonValue:
    return [*rules(_lines(host))]


def _remote(host: Host) -> JsonValue:
    return [line for line in _lines(host) if FORWARDING.search(line)]


def _rotation(host: Host) -> JsonValue:
    """What logrotate does by default and with each log, and when it next runs."""
    listing = seen.ask(
        host,
        "find /etc/logrotate.conf /etc/logrotate.d -type f "
        r"-exec grep -HE '^\s*(/|[\"{}]|daily|weekly|monthly|yearly|rotate|maxage|size|minsize|maxsize|create)' {} + "
        "| sort || true",
    )
    files: dict[str, list[JsonValue]] = {}
    for file, _, line in (row.partition(":") for row in listing.splitlines()):
        files.setdefault(file, []).append(line.strip())
    return {**files, "timer": seen.unit_active_states(host, TIMER).get(TIMER, "inactive")}


CONTROLS = [
    running_service(
        "rsyslog",
        "rsyslog.service",
        title="rsyslog runs and starts at boot",
        why="Where it is the system in charge, nothing else writes the logs.",
        severity=Severity.MEDIUM,
        chosen=RSYSLOG,
        disruption=Disruption.RESTART,
    ),
    Control(
        subject="rsyslog-file-mode",
        observe=_file_create_modes,
        expect=lambda values: _all_at_most(values[0]),
        parameters=[Parameter("rsyslog", ("$FileCreateMode",), _all_at_most)],
        remedy="Sets the mode in a file that is read before all rules, and restarts rsyslog if it accepts the whole.",
        violation=Violation(
            [
                r"sed --in-place 's/^\$FileCreateMode.*/$FileCreateMode 0644/' /etc/rsyslog.conf",
                "rm --force /etc/rsyslog.d/00-hardener.conf",
            ]
        ),
        title="rsyslog makes log files that are closed to others",
        why="Logs hold names, addresses, and now and then a password typed into the wrong field.",
        severity=Severity.MEDIUM,
        chosen=RSYSLOG,
        disruption=Disruption.RESTART,
    ),
    review(
        "rsyslog-rules",
        _rules,
        title="rsyslog writes what the site wants to know",
        why="What no rule selects is not there when somebody asks for it.",
        severity=Severity.MEDIUM,
        chosen=RSYSLOG,
    ),
    review(
        "rsyslog-remote",
        _remote,
        title="rsyslog sends the logs to another host",
        why="Whoever becomes root here can rewrite every log that lies here.",
        severity=Severity.MEDIUM,
        chosen=RSYSLOG,
    ),
    Control(
        subject="rsyslog-receiver",
        observe=_receivers,
        expect=lambda _: accept.now_and_after_reboot(accept.nothing()),
        is_remediable=False,
        remedy="None: somebody set up this receiver, and other hosts would lose what they send to it.",
        violation=Violation(
            [command("printf %s > /etc/rsyslog.d/zz-lab.conf", RECEIVING)],
            undo=["rm /etc/rsyslog.d/zz-lab.conf"],
        ),
        title="rsyslog takes no logs from others",
        why="Strangers could fill its disk, or mix their stories into its own.",
        severity=Severity.MEDIUM,
        chosen=RSYSLOG,
        needs_root=True,
    ),
    review(
        "rotation",
        _rotation,
        title="Old logs are kept as long as the site needs them",
        why="Logs that grow for ever fill the disk, and logs thrown away too soon forget the intrusion.",
        severity=Severity.LOW,
        chosen=RSYSLOG,
    ),
]
