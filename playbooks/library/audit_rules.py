"""Writes lists of audit rules, a file each, and has the kernel load all rules of the host unless they are locked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of, words_of
from ansible.module_utils.secure_paths import make_directory
from ansible.module_utils.secure_walks import matching
from ansible.module_utils.telling import finish, leaving_alone
from ansible.module_utils.validated_texts import owned, put, texts_to_edit

DOCUMENTATION = r"""
module: audit_rules
short_description: Write and load audit rules
description:
  - Writes a file for each list in /etc/audit/rules.d, and loads all rules once, where the loaded ones differ.
  - C({program}) in a rule stands for every set-uid and set-gid program on local file systems that heed those bits.
  - System calls this machine does not have are left out. The list C(finalize) is read last.
  - Locked rules stay as they are until the next boot, which then reads the files.
options:
  rules: {description: Name of a list to its lines., type: dict, required: true}
author: The hardener project
"""
EXAMPLES = r"""- audit_rules: {rules: {hosts: [-w /etc/hosts -p wa -k hosts], finalize: [-e 2]}}"""
RETURN = r"""#"""

FOLDER = "/etc/audit/rules.d"
HEADER = "\n# Managed by hardener.\n"  # after an empty line, for the file before it may not have ended its last one
LENIENT = "# A rule the kernel refuses shall not keep it from the others.\n-i\n"
CONTAINER_STORAGE = (
    *("/var/lib/cni", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/kubelet"),
    *("/var/lib/lxc", "/var/lib/machines", "/var/lib/rancher"),
)
ELSEWHERE = re.compile(
    "9p|afs|autofs|binfmt_misc|bpf|ceph|cgroup2?|cifs|configfs|debugfs|devpts|devtmpfs|efivarfs|erofs|fuse([.].*)?|fusectl|"
    "glusterfs|gfs2|hugetlbfs|iso9660|lustre|mqueue|nfs4?|nsfs|ocfs2|overlay|proc|pstore|ramfs|rpc_pipefs|securityfs|"
    "selinuxfs|smb3|squashfs|sysfs|tmpfs|tracefs|vfat|virtiofs"
)
"""Types of file systems that are remote or hold no files of this host's own."""
Known = Mapping[str, set[str]]  # b64 and b32 → system calls


def diff(current: Mapping[str, str | None], rules: Mapping[str, Sequence[str]], known: Known) -> dict[str, str]:
    """File name → new text, for those that need one. ``current``: ``None`` for what is left alone."""
    wanted = {}
    for name, lines in rules.items():
        number, start = (99, HEADER) if name == "finalize" else (50, HEADER + LENIENT)
        kept = [text for line in lines if (text := supported(line, known))]
        wanted[f"{number}-hardener-{name}.rules"] = start + "".join(f"{line}\n" for line in kept)
    return {file: text for file, text in wanted.items() if current.get(file, "") not in {None, text}}


def supported(line: str, known: Known) -> str:
    """The rule without the system calls its processor does not have; empty if it was only about those."""
    arch, calls = (re.search(rf"(?<= -{option})\S+", line) for option in ("F arch=", "S "))
    if not (arch and calls) or arch[0] not in known:
        return line
    names = [name for name in calls[0].split(",") if name in known[arch[0]] | {"all"}]
    return line[: calls.start()] + ",".join(names) + line[calls.end() :] if names else ""


def expanded(lines: Sequence[str], programs: Sequence[str]) -> list[str]:
    """The lines, those with ``{program}`` once for each program; a rule file escapes blanks."""
    names = [program.replace(" ", "\\ ") for program in programs]
    return [line.replace("{program}", name) for line in lines for name in (names if "{program}" in line else [""])]


def presentable(paths: Sequence[str]) -> list[str]:
    """The paths without those that would end or split a line: their owners could add directives of their choice."""
    return sorted({path for path in paths if path and path.isprintable() and "\\" not in path})


def roots(mounts: Sequence[Mapping[str, str]]) -> list[str]:
    """Where to look for programs: mount points of local file systems on which set-id bits count."""
    heeding = [row for row in mounts if {"nosuid", "noexec"}.isdisjoint(row["options"].split(","))]
    local = [row for row in heeding if row["fstype"] == "btrfs" or "[" not in row["source"]]
    return sorted({row["target"] for row in local if row["target"] == "/" or not ELSEWHERE.fullmatch(row["fstype"])})


def directives(texts: Mapping[str, str | None]) -> tuple[int, bool]:
    """How many different rules the files have, and whether they end up locked."""
    lines = [" ".join(words_of(line)) for line in lines_of("".join(texts[name] or "" for name in sorted(texts)))]
    switches = [line for line in lines if line.startswith("-e")]
    return len({line for line in lines if re.match("-[aAw] ", line)}), switches[-1:] == ["-e 2"]


class Host:
    """The rules of this host, on disk and loaded."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        texts = texts_to_edit(module, matching(f"{FOLDER}/*.rules"))
        self.files = {path.rpartition("/")[2]: text for path, text in texts.items()}

    def run(self, *words: str) -> str:
        """Output of a command; none where it does not exist yet, as on a fresh host in check mode."""
        return str(self.module.run_command(list(words))[1]) if self.module.get_bin_path(words[0]) else ""

    def known(self) -> dict[str, set[str]]:
        """``b64`` and ``b32`` → the system calls of this machine, as far as its tables are installed."""
        tables = {arch: self.run("ausyscall", arch, "--dump") for arch in ("b64", "b32")}
        return {arch: set(table.split()[1::2]) for arch, table in tables.items() if table}

    def programs(self) -> list[str]:
        """Every set-uid and set-gid program whose path can stand in a rule."""
        mounts = json.loads(self.run("findmnt", "--json", "--list", "--output", "TARGET,FSTYPE,SOURCE,OPTIONS"))
        pruned = " -o ".join(f"-path {path}" for path in CONTAINER_STORAGE).split()
        condition = ["(", *pruned, ")", "-prune", "-o", "-type", "f", "-perm", "/6000", "-print0"]
        words = ["nice", "-n", "19", "find", *roots(mounts["filesystems"]), "-xdev", *condition]
        return presentable(self.run(*words).split("\0"))

    def loaded(self) -> tuple[list[str], bool]:
        """The rules that are loaded, and whether they are locked."""
        listing = [line for line in lines_of(self.run("auditctl", "-l")) if line.startswith("-")]
        return listing, re.search(r"^enabled 2$", self.run("auditctl", "-s"), re.MULTILINE) is not None

    def write(self, texts: Mapping[str, str]) -> None:
        """Put the new files into place, for root to read."""
        with leaving_alone(self.module, FOLDER):
            make_directory(FOLDER, 0o750)
        for name, text in texts.items():
            put(self.module, f"{FOLDER}/{name}", text, made=owned("0640"), anew=True)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule({"rules": {"type": "dict", "required": True}}, supports_check_mode=True)
    host, lists = Host(module), module.params["rules"]
    known, programs = host.known(), host.programs() if "{program}" in str(lists) else []
    changes = diff(host.files, {name: expanded(lines, programs) for name, lines in lists.items()}, known)
    before = now = host.loaded()
    needs_load = not before[1] and (bool(changes) or (len(before[0]), False) != directives(host.files))
    if not module.check_mode:
        host.write(changes)
        if needs_load:
            host.run("augenrules", "--load")
            now = host.loaded()
    # Before auditd is installed, nobody knows which system calls this machine has.
    unsure = {"conditional": True} if module.check_mode and not known else {}
    items = [("file", f"{FOLDER}/{name}", host.files.get(name, ""), text) for name, text in changes.items()]
    items += [("ruleset", "audit", "", "loaded anew")] if (needs_load if module.check_mode else now != before) else []
    finish(module, [{**dict(zip(("kind", "subject", "before", "after"), row, strict=True)), **unsure} for row in items])


if __name__ == "__main__":
    main()
