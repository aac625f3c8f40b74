"""The journal: it runs, keeps what it has on disk, and passes it on or keeps it, as the site has chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation
from hardener.catalogue.kinds import review, running_service, systemd_setting, unneeded_service
from hardener.controls.logging import rsyslog
from hardener.controls.logging.shared import JOURNALD, RSYSLOG, switch
from hardener.model import Disruption, Severity

SYSTEMS = ("journald", "rsyslog")
DAEMONS = ("rsyslog.service", "syslog-ng.service")
CONFIGURATION = "systemd/journald.conf"
DROP_INS = f"/etc/{CONFIGURATION}.d"
UPLOAD = "systemd-journal-upload.service"
SIZES = ("SystemMaxUse", "SystemKeepFree", "RuntimeMaxUse", "RuntimeKeepFree", "MaxFileSec", "MaxRetentionSec")
UPLOAD_SETTINGS = ("URL", "ServerKeyFile", "ServerCertificateFile", "TrustedCertificateFile")
DAEMON = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"
"""A unit that pretends to be a second logging system, as printf spells it."""


def _systems(host: Host) -> JsonValue:
    """Every syslog daemon the host has: whether it runs, and whether it starts at boot."""
    files, active = seen.unit_file_states(host, *DAEMONS), seen.unit_active_states(host, *DAEMONS)
    return {
        unit: {NOW: active.get(unit, "inactive"), AFTER_REBOOT: files[unit]}
        for unit in DAEMONS
        if files.get(unit, "alias") != "alias"
    }


def _one_in_charge(values: Sequence[Any]) -> Expectation:
    needed = [f"{values[0]}.service"] if values[0] == "rsyslog" else []
    running = accept.fields({NOW: accept.equals("active"), AFTER_REBOOT: accept.one_of("enabled", "static")})
    stopped = accept.fields(
        {
            NOW: accept.one_of("inactive", "failed"),
            AFTER_REBOOT: accept.one_of("masked", "disabled", "static", "indirect"),
        }
    )

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        wanted = {unit: running if unit in needed else stopped for unit in (*needed, *observed)}
        return accept.fields(wanted).complaints(observed)

    return Expectation(f"{values[0]} is in charge, and no other syslog daemon runs", complaints)


def _storage(host: Host) -> JsonValue:
    """What journald is told to do with what it has, and whether the journal of this host lies on disk now."""
    on_disk = seen.ask(
        host,
        '[ -f "/var/log/journal/$(cat /etc/machine-id)/system.journal" ] && echo yes || echo no',
    ).strip()
    return {"Storage": seen.systemd_settings(host, CONFIGURATION).get(("Journal", "Storage")), "on disk now": on_disk}


def _access(host: Host) -> JsonValue:
    """The modes that systemd gives to the journal's directories and files at boot."""
    # Of all lines only these: others may say what is written into a file.
    listing = seen.ask(
        host,
        "lines=$(systemd-tmpfiles --cat-config) && "
        "printf '%s\\n' \"$lines\" | sed -n '/^[[:space:]]*[zZdm].*\\/log\\/journal/p'",
    )
    rows = [line.split() for line in listing.splitlines()]
    return {f"{row[0]} {row[1]}": " ".join(row[2:5]) for row in rows if len(row) > 4}


def _sizes(host: Host) -> JsonValue:
    """The limits that are set; what is not set follows the size of the file system, which suits most hosts."""
    settings = seen.systemd_settings(host, CONFIGURATION)
    return {name: settings.get(("Journal", name)) for name in SIZES}


def _upload_settings(host: Host) -> Mapping[str, str | None]:
    """What journal-upload obeys; nothing where the package it comes with is not installed."""
    if "systemd-journal-remote" not in seen.installed_packages(host):
        return dict.fromkeys(UPLOAD_SETTINGS)
    settings = seen.systemd_settings(host, "systemd/journal-upload.conf")
    return {name: settings.get(("Upload", name)) or None for name in UPLOAD_SETTINGS}


def _upload_identity(host: Host) -> JsonValue:
    if "systemd-journal-remote" not in seen.installed_packages(host):
        raise NotApplicable("systemd-journal-remote is not installed")
    return {**_upload_settings(host)}


def _upload(host: Host) -> JsonValue:
    """Where the journal is sent, and whether what sends it runs and starts at boot."""
    return {
        "URL": _upload_settings(host)["URL"],
        NOW: seen.unit_active_states(host, UPLOAD).get(UPLOAD, "inactive"),
        AFTER_REBOOT: seen.unit_file_states(host, UPLOAD).get(UPLOAD, "absent"),
    }


def _uploaded(values: Sequence[Any]) -> Expectation:
    url = accept.equals(values[1]) if values[1] else Expectation("named", lambda _: ("is not named in logging_upload",))
    return accept.fields({"URL": url, NOW: accept.equals("active"), AFTER_REBOOT: accept.equals("enabled")})


def _an_address(_: object) -> Expectation:
    return accept.satisfying("a URL, or empty", lambda url: url == "" or str(url).startswith(("http://", "https://")))


def _setting(name: str, variable: str, broken: str, **declared: Unpack[Declared]) -> Control:
    return systemd_setting(
        name,
        file=CONFIGURATION,
        section="Journal",
        variable=variable,
        judge=switch,
        broken=broken,
        **Declared(**{**declared, "disruption": Disruption.RESTART}),
    )


def _forwarding() -> Control:
    """The opposite of keeping it: where the vendor's own drop-in forwards, only one of its name can stop that."""
    control = _setting(
        "ForwardToSyslog",
        "forwarding",
        "no",
        title="journald passes everything to rsyslog",
        why="What only the journal knows never reaches the files and hosts that rsyslog writes to.",
        severity=Severity.MEDIUM,
        chosen=RSYSLOG,
    )
    silenced = Violation(
        [
            f"rm --force {DROP_INS}/zz-hardener.conf; mkdir --parents {DROP_INS}",
            f"printf '[Journal]\\nForwardToSyslog=no\\n' > {DROP_INS}/syslog.conf",
        ]
    )
    return replace(control, subject="journald-forwards", violation=silenced)


CONTROLS = [
    replace(
        running_service(
            "journald",
            "systemd-journald.service",
            title="journald runs",
            why="Every service and the kernel itself hand it their messages; without it they are lost.",
            severity=Severity.MEDIUM,
        ),
        # It cannot be stopped for long: the next message starts it again.
        violation=Violation(["systemctl --quiet mask systemd-journald.service"]),
    ),
    review(
        "journal-access",
        _access,
        title="The journal is open to those who may read it, and to nobody else",
        why="It holds what users typed and which services fail; both help an intruder.",
        severity=Severity.LOW,
    ),
    review(
        "journal-size",
        _sizes,
        title="The journal keeps as much as the site needs",
        why="Too little forgets an intrusion before anybody looks, too much fills the disk, and no size fits all.",
        severity=Severity.LOW,
    ),
    Control(
        subject="one-system",
        observe=_systems,
        expect=_one_in_charge,
        parameters=[
            Parameter("choice", ("system",), lambda _: accept.one_of(*SYSTEMS)),
            *(Parameter("systems", (system,), accept.equals) for system in SYSTEMS),
            Parameter("others", ("rsyslog.service",), hazards.kept_or_replaced),
        ],
        remedy="Starts what is in charge, and stops and masks every other syslog daemon; no log is touched.",
        violation=Violation(
            [
                command("printf %s > /usr/lib/systemd/system/syslog-ng.service", DAEMON),
                "systemctl --quiet unmask syslog-ng.service",
                "systemctl daemon-reload; systemctl --quiet enable --now syslog-ng.service",
            ]
        ),
        title="One logging system is in charge",
        why="With two, each holds a part of the story, and nobody knows which to look at.",
        severity=Severity.MEDIUM,
        disruption=Disruption.RESTART,
        hazards=[rsyslog.serves_others],
    ),
    review(
        "upload-identity",
        _upload_identity,
        title="The journal is sent to a receiver that proves who it is",
        why="Without certificates anybody in between reads the journal, or swallows it.",
        severity=Severity.MEDIUM,
        chosen=JOURNALD,
    ),
    Control(
        subject="upload",
        observe=_upload,
        expect=_uploaded,
        parameters=[
            Parameter("choice", ("receiver",), lambda _: accept.one_of("none", "named")),
            Parameter("upload", ("URL",), _an_address),
        ],
        remedy="Names the receiver in a drop-in, and enables and starts what sends the journal there.",
        violation=Violation([f"systemctl --quiet disable {UPLOAD}; systemctl --quiet stop {UPLOAD}"]),
        title="The journal is sent to another host",
        why="Whoever becomes root here can rewrite every log that lies here.",
        severity=Severity.MEDIUM,
        chosen={**JOURNALD, "logging_choice.receiver": "named"},
        disruption=Disruption.RESTART,
    ),
    unneeded_service(
        "journal-receiver",
        *("systemd-journal-remote.socket", "systemd-journal-remote.service"),
        title="The host takes no journals from others",
        why="Strangers could fill its disk, or mix their stories into its own.",
        severity=Severity.MEDIUM,
        chosen=JOURNALD,
        disruption=Disruption.RESTART,
    ),
    _setting(
        "ForwardToSyslog",
        "keeping",
        "yes",
        title="journald keeps messages to itself",
        why="Forwarded messages go nowhere, or into a second set of logs that nobody looks after.",
        severity=Severity.LOW,
        chosen=JOURNALD,
    ),
    _setting(
        "Compress",
        "journald",
        "no",
        title="journald compresses what is large",
        why="The same disk then holds a longer past.",
        severity=Severity.LOW,
        chosen=JOURNALD,
    ),
    Control(
        subject="storage",
        observe=_storage,
        expect=lambda values: accept.fields({"Storage": accept.equals(values[0]), "on disk now": accept.equals("yes")}),
        parameters=[Parameter("journald", ("Storage",), accept.equals)],
        remedy="Sets it in a drop-in that is read last, and restarts journald, which moves what it has to the disk.",
        violation=Violation(
            [
                f"[ ! -d {DROP_INS} ] || find {DROP_INS} -type f -exec sed --in-place /^Storage=/d {{}} +",
                f"printf '\\n[Journal]\\nStorage=auto\\n' >> /etc/{CONFIGURATION}",
            ]
        ),
        title="The journal survives a reboot",
        why="A log in memory is gone with the crash it would explain.",
        severity=Severity.MEDIUM,
        chosen=JOURNALD,
        disruption=Disruption.RESTART,
    ),
    _forwarding(),
]
