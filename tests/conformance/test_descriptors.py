"""What runs as root on a target touches files through descriptors, in one way: nothing else may use their paths."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THE_ONE_WAY = {"secure_items.py", "secure_files.py", "secure_paths.py", "secure_copies.py", "secure_walks.py"}
"""The files of hardener/checkpoint that do it for all others, and that Ansible's modules have by links."""
SWITCHED_ON = ("hardener/checkpoint", "playbooks/library", "playbooks/module_utils")
"""Where nothing but the one way is used."""

SOURCES = sorted(
    path for folder in SWITCHED_ON for path in (ROOT / folder).glob("*.py") if path.name not in THE_ONE_WAY
)

INSTEAD = {
    "read": "secure_paths.read, validated_texts.text_at; of /proc and /sys secure_paths.kernel_text",
    "write": "secure_paths.write, validated_texts.put; to /proc/sys secure_paths.set_kernel_text",
    "look": "secure_paths.item_at and its status, exists, resolved, link_target",
    "list": "secure_paths.directory_at(...).names(), secure_walks.matching, secure_walks.files_below",
    "change": "secure_paths.item_at and Item.set_mode, set_owner, dress",
    "make": "secure_paths.make_directory, make_link, private_directory",
    "remove": "secure_paths.remove, remove_tree",
    "copy": "secure_copies.copy_tree, Directory.replace",
}
"""What is done to a path → what is there for it."""

_OS = {
    "read": "open",
    "write": "truncate",
    "look": "stat lstat access readlink getxattr listxattr statvfs pathconf",
    "list": "listdir scandir walk fwalk",
    "change": "chmod chown lchown lchmod lchflags chflags utime setxattr removexattr",
    "make": "mkdir makedirs symlink link mkfifo mknod",
    "remove": "unlink remove rmdir removedirs",
    "copy": "rename renames replace",
}
_OS_PATH = {
    "look": "exists lexists isfile isdir islink ismount realpath samefile getsize getmtime getatime getctime",
}
_PATHLIB = {
    "read": "read_text read_bytes open",
    "write": "write_text write_bytes",
    "look": "stat lstat exists is_file is_dir is_symlink is_mount is_fifo is_socket is_block_device is_char_device "
    "readlink resolve samefile",
    "list": "glob rglob iterdir walk",
    "change": "chmod lchmod touch",
    "make": "mkdir symlink_to hardlink_to",
    "remove": "unlink rmdir",
    "copy": "rename",
}
"""Methods of ``pathlib.Path`` by names that nothing else here has."""
_ANSIBLE = {
    "copy": "atomic_move preserved_copy",
    "change": "set_mode_if_different set_owner_if_different set_group_if_different set_fs_attributes_if_different "
    "set_file_attributes_if_different set_directory_attributes_if_different set_attributes_if_different "
    "set_context_if_different set_default_selinux_context",
    "remove": "cleanup add_cleanup_file",
    "look": "load_file_common_arguments find_mount_point is_special_selinux_path user_and_group",
    "write": "tmpdir",  # it may lie in the home of the account that logs in
}
_PROGRAMS = {
    "copy": "cp mv install dd rsync tar",
    "change": "chmod chown chgrp setfacl setfattr setcap chattr touch",
    "make": "ln mkdir mkfifo mknod mktemp",
    "remove": "rm rmdir unlink",
    "write": "tee truncate sed",
    "read": "cat head tail",
}
"""Programs that take a path and do to it what a module must not."""
_MODULES = {"shutil": "copy", "tempfile": "make", "glob": "list", "pathlib": "look", "fileinput": "write"}
"""Modules of which nothing may be used, but for what ``_HARMLESS`` names."""
_HARMLESS = {"shutil.which", "pathlib.PurePath", "pathlib.PurePosixPath"}


def _by_name(table: Mapping[str, str]) -> dict[str, str]:
    return {name: doing for doing, names in table.items() for name in names.split()}


def forbidden(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what is used and what it would do, for each use of a path in a source.

    Names are followed through imports. Methods are known by their names alone, so that none may have one of those.
    """
    tree = ast.parse(source)
    names = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Name | ast.Attribute) and (found := _forbidden_name(_dotted(node, names))):
            yield node.lineno, *found
        elif isinstance(node, ast.Attribute) and (doing := _METHODS.get(node.attr)) and not _is_ours(node, names):
            yield node.lineno, f".{node.attr}", doing
        elif isinstance(node, ast.List | ast.Call) and (program := _program(node)):
            yield node.lineno, f"the program {program}", _by_name(_PROGRAMS)[program]


_FUNCTIONS = {f"os.{name}": doing for name, doing in _by_name(_OS).items()}
_FUNCTIONS |= {f"os.path.{name}": doing for name, doing in _by_name(_OS_PATH).items()}
_FUNCTIONS |= {"open": "read", "io.open": "read", "codecs.open": "read"}
_METHODS = _by_name(_PATHLIB) | _by_name(_ANSIBLE)
_OURS = {"secure_files", "secure_paths", "secure_copies", "secure_walks"}


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Name in this source → what it stands for, dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (
                    (alias.asname or alias.name.split(".")[0]),
                    (alias.name if alias.asname else alias.name.split(".")[0]),
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name), f"{node.module or ''}.{alias.name}".lstrip(".")


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """``os.path.exists`` for whatever expression leads there by names alone; otherwise nothing."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (start := _dotted(node.value, names)):
        return f"{start}.{node.attr}"
    return ""


def _forbidden_name(dotted: str) -> tuple[str, str] | None:
    if dotted in _FUNCTIONS:
        return dotted, _FUNCTIONS[dotted]
    module, _, name = dotted.partition(".")
    if name and module in _MODULES and dotted not in _HARMLESS:
        return dotted, _MODULES[module]
    return None


def _is_ours(node: ast.Attribute, names: Mapping[str, str]) -> bool:
    """Whether an attribute is a function of the one way, or of another module that was imported."""
    dotted = _dotted(node.value, names)
    return dotted.rpartition(".")[2] in _OURS or (isinstance(node.value, ast.Name) and node.value.id in names)


def _program(node: ast.List | ast.Call) -> str | None:
    """The program that a list of words begins with, or that a call gets as its first words, if it is one of those."""
    items: Sequence[ast.expr] = node.args if isinstance(node, ast.Call) else node.elts
    if not items or not isinstance(items[0], ast.Constant) or not isinstance(items[0].value, str):
        return None
    name, *more = items[0].value.split(maxsplit=1) or [""]
    name = name.rpartition("/")[2] if name.startswith("/") else name
    return name if (more or items[1:]) and name in _by_name(_PROGRAMS) else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_that_runs_as_root_uses_no_path(path: Path) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what} goes by a path; instead: {INSTEAD[doing]}"
        for line, what, doing in forbidden(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_one_way_is_one_file_that_both_sides_have() -> None:
    for name in THE_ONE_WAY:
        assert (ROOT / "playbooks/module_utils" / name).samefile(ROOT / "hardener/checkpoint" / name)
    assert len(SOURCES) > 20


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("open('/etc/passwd')", "open"),
        ("import os\nos.chmod(p, 0o600)", "os.chmod"),
        ("import os as o\no.lchown(p, 0, 0)", "os.lchown"),
        ("from os import replace\nreplace(a, b)", "os.replace"),
        ("from os import path\npath.isfile(p)", "os.path.isfile"),
        ("import os.path\nmap(os.path.getsize, x)", "os.path.getsize"),
        ("from glob import glob\nglob('/x')", "glob.glob"),
        ("import shutil\nshutil.rmtree(p)", "shutil.rmtree"),
        ("import tempfile\ntempfile.mkdtemp(dir='/run')", "tempfile.mkdtemp"),
        ("from pathlib import Path\nPath(p)", "pathlib.Path"),
        ("x.write_text('')", ".write_text"),
        ("def f(file):\n    file.parent.mkdir()", ".mkdir"),
        ("module.atomic_move(a, b)", ".atomic_move"),
        ("module.set_mode_if_different(p, 0, False)", ".set_mode_if_different"),
        ("d = module.tmpdir", ".tmpdir"),
        ("run(['cp', '--archive', a, b])", "the program cp"),
        ("run(['/usr/bin/chmod', '0600', p])", "the program chmod"),
        ("host.run('rm', '-rf', p)", "the program rm"),
        ("run(['sed', '-i', 's/a/b/', p])", "the program sed"),
        ("run('mv a b')", "the program mv"),
    ],
)
def test_a_use_of_a_path_is_seen(source: str, what: str) -> None:
    assert what in [found for _, found, _ in forbidden(source)]


@pytest.mark.parametrize(
    "source",
    [
        "import shutil\nshutil.which('nft')",
        "from . import secure_paths\nsecure_paths.exists(p)\nsecure_paths.read(p)",
        "from ansible.module_utils.secure_paths import exists, remove\nexists(p)\nremove(p)",
        "import re\nre.sub('a', 'b', text.replace('a', 'b'))",
        "import os\nos.fstatvfs(d)\nos.umask(0o077)\nos.path.dirname(p)",
        "import stat\nstat.S_IMODE(0)",
        "run(['systemctl', 'mask', unit])",
        "match.group(1)\nnames = ['cp']\nactions = (('install', packages), ('remove', others))",
        "item.status.st_mode\nmodule.run_command(['sshd', '-t', '-f', draft])",
    ],
)
def test_what_is_open_and_programs_that_change_no_path_may_be_used(source: str) -> None:
    assert list(forbidden(source)) == []
