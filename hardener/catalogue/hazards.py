"""What speaks against a remedy on some hosts, for controls of several roles: who gets in, and what is in charge."""

from __future__ import annotations

from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Hazard, Host, command
from hardener.catalogue.expectations import Expectation, one_of
from hardener.model import Facts, HeldBack, Values, few

REPLACED = "replaced"
KEPT = "kept"
"""What a site says of something that is in charge and that a remedy would put an end to."""


def kept_or_replaced(_: object) -> Expectation:
    """What a site may say of it, whatever the default is."""
    return one_of(KEPT, REPLACED)


OUR_PACKAGES = frozenset(
    """
    aide aide-common apparmor apparmor-utils audispd-plugins auditd chrony libpam-pwquality nftables rsyslog sudo
    systemd-journal-remote systemd-timesyncd unattended-upgrades
    """.split()  # noqa: SIM905  (a list would be a page)
)
"""Packages that controls of ours want: one question asks for all of them, for apt takes as long for one."""


def cannot_be_had(*packages: str) -> Hazard:
    """One of these packages is missing, and apt does not have it; before it has read any lists nobody can say that."""
    names = sorted(OUR_PACKAGES.union(packages))
    question = command(
        "[ -n \"$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)\" ] || { echo '*'; exit; }; "
        "known=$(LC_ALL=C apt-cache policy" + " %s" * len(names) + ") || exit; printf '%%s\\n' \"$known\" | "
        'awk \'/^[^ ]/ { name = $1 } $1 == "Candidate:" && $2 != "(none)" { sub(/:$/, "", name); print name }\'',
        *names,
    )

    def hazard(host: Host, _: Facts, __: Values) -> HeldBack | None:
        known = {*seen.installed_packages(host), *seen.ask(host, question).split()}
        unknown = [] if "*" in known else [name for name in packages if name not in known]
        if not unknown:
            return None
        return HeldBack(
            reason=f"apt has no {few(unknown)} to install",
            go_on="give the host a source that has it, and have apt read its lists (apt-get update)",
        )

    return hazard


def operator_left_out(_: Host, facts: Facts, values: Values) -> HeldBack | None:
    """An operator who is in none of the groups that sshd would let in."""
    groups = values.get("sshd_access", {}).get("allowgroups", [])
    patterns = [groups] if isinstance(groups, str) else groups
    if any(fnmatchcase(group, pattern) for group in facts.operator_groups for pattern in patterns):
        return None
    return HeldBack(
        reason=f"it would lock you out: {facts.operator} is in none of the groups that may log in over ssh: "
        f"{', '.join(patterns) or 'none'}",
        go_on=f"name a group of his in sshd_access.allowgroups: {', '.join(facts.operator_groups) or 'he is in none'}",
    )


def root_is_operator(_: Host, facts: Facts, __: Values) -> HeldBack | None:
    """An operator who logs in as root, which sshd would refuse."""
    if facts.operator != "root":
        return None
    return HeldBack(
        reason="it would lock you out: root is the account that logs in here, and could no longer do so",
        go_on="log in as somebody else (ansible_user) and become root there (ansible_become)",
    )


def operator_comes_from_elsewhere(_: Host, facts: Facts, values: Values) -> HeldBack | None:
    """An operator whose address is in none of the networks that the firewall would let in."""
    networks = values["firewall_ssh"]["networks"]
    if facts.operator_address is None or any(_contains(network, facts.operator_address) for network in networks):
        return None
    return HeldBack(
        reason=f"it would lock you out: {facts.operator_address}, from where you came, is in none of "
        f"firewall_ssh.networks: {', '.join(networks)}",
        go_on=f"add a network to firewall_ssh.networks that has {facts.operator_address} in it",
    )


def _contains(network: str, address: str) -> bool:
    whole = ip_network(network, strict=False)
    single = ip_address(address.partition("%")[0])
    mapped = getattr(single, "ipv4_mapped", None) or single
    return mapped.version == whole.version and mapped in whole


def selinux_in_charge(host: Host, _: Facts, values: Values) -> HeldBack | None:
    """SELinux at work on this host, whose labels count no more once the kernel is started with AppArmor instead."""
    mode = seen.ask(host, "[ ! -e /sys/fs/selinux/enforce ] || cat /sys/fs/selinux/enforce").strip()
    if not mode or values["apparmor_others"]["selinux"] == REPLACED:
        return None
    return HeldBack(
        reason=f"SELinux is in charge here ({'enforcing' if mode == '1' else 'permissive'}), and with AppArmor it "
        "would be gone after the next boot",
        go_on=f"waive the controls about AppArmor, or set apparmor_others.selinux to {REPLACED}",
    )
