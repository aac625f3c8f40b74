"""Reads inventories and variables by Ansible itself. The only module that knows Ansible's Python interface."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

# Set before Ansible reads its configuration: an inventory with a typing error must not silently shrink.
os.environ.setdefault("ANSIBLE_INVENTORY_UNPARSED_FAILED", "true")
os.environ.setdefault("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "true")
os.environ.setdefault("ANSIBLE_DUPLICATE_YAML_DICT_KEY", "error")

from ansible import context
from ansible._internal._datatag._tags import Origin  # the only way to a value's file and line; pinned below 2.20
from ansible.errors import AnsibleError
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.vars import load_extra_vars
from ansible.vars.manager import VariableManager

from hardener.content import playbooks_directory
from hardener.documents import check_document, merged
from hardener.errors import InventoryError
from hardener.inventory.naming import refuse_name
from hardener.inventory.sources import Sources
from hardener.model import Become, Connection, Platform, Target, Trait
from hardener.platforms import PLATFORMS
from hardener.untrusted import one_line

TRAITS_VARIABLE = "hardening_traits"
PLATFORM_VARIABLE = "hardening_platform"
SSH_FLAGS = {"-J": "proxyjump", "-F": "configfile", "-l": "user", "-p": "port", "-i": "identityfile"}


def role_defaults(*roles: Path) -> Mapping[str, Any]:
    """All roles' default values by variable, as plain data; ``InventoryError`` where a file cannot be read."""
    return dict(_plain(_defaults(roles)))


def _defaults(roles: Sequence[Path]) -> Mapping[str, Any]:
    """The same with Ansible's tags, without which its templar renders nothing."""
    defaults: dict[str, Any] = {}
    loader = DataLoader()
    for file in [file for folder in roles for file in sorted(folder.glob("*/defaults/main.yml"))]:
        with _translated_errors(str(file)):
            defaults.update(loader.load_from_file(str(file), trusted_as_template=True) or {})
    return defaults


def read_targets(sources: Sources) -> Sequence[Target]:
    """Every target the inventory and the limit name, with resolved values, in inventory order.

    Raises ``InventoryError`` with file and line for anything Ansible cannot read or render.
    """
    context.CLIARGS = ImmutableDict(extra_vars=tuple(map(_absolute, sources.extra_vars)))
    vars(load_extra_vars).pop("extra_vars", None)  # Ansible keeps the first reading for the life of the process
    loader = DataLoader()
    loader.set_basedir(
        str(playbooks_directory())
    )  # as an apply has it: not the working directory, which may be anywhere
    location = ", ".join(sources.inventories) or "localhost"
    for source in sources.inventories:
        _check_source(source)
    with _translated_errors(location), _held_warnings():
        manager = InventoryManager(loader=loader, sources=list(sources.inventories) or ["localhost,"])
        variables = VariableManager(loader=loader, inventory=manager)
        scopes = {pattern: _named(manager, pattern, location) for pattern, location in sources.scopes.items()}
        if sources.limit:
            manager.subset(sources.limit)
        hosts: list[Host] = manager.get_hosts()
        if not hosts:
            what = f"no target matches {sources.limit!r}" if sources.limit else "names no target"
            raise InventoryError(what, location=location)
        for host in hosts:
            refuse_name("host", host.name, _location(host.name), sources.inventories)
            for group in host.get_groups():
                refuse_name("group", group.name, _location(group.name), sources.inventories)
        defaults = _defaults(sources.roles)
        targets = [_target(host, variables, loader, defaults, sources) for host in hosts]
    return [
        target.model_copy(update={"scopes": frozenset(name for name, hosts in scopes.items() if target.name in hosts)})
        for target in targets
    ]


def _absolute(said: str) -> str:
    """An ``@file`` is relative to the working directory, whatever else is relative to."""
    return f"@{Path(said[1:]).expanduser().absolute()}" if said.startswith("@") else said


def _named(manager: InventoryManager, pattern: str, location: str) -> frozenset[str]:
    """The hosts a pattern names; one that names none is for whoever reviews waivers, not a warning of every run."""
    with _translated_errors(location), redirect_stderr(io.StringIO()):
        return frozenset(host.name for host in manager.get_hosts(pattern))


def _check_source(source: str) -> None:
    """Find what Ansible would report as a page of warnings."""
    if source.endswith(","):
        return
    path = Path(source)
    if not path.exists():
        raise InventoryError("no such file", location=source)
    folder = path if path.is_dir() else path.parent
    beside = [file for name in ("group_vars", "host_vars") for file in sorted((folder / name).rglob("*.y*ml"))]
    for file in [*([path] if path.suffix in {".yml", ".yaml"} else []), *beside]:
        check_document(file, error=InventoryError)


@contextmanager
def _held_warnings() -> Iterator[None]:
    """Keep Ansible's warnings back until it has succeeded: a failure is told in one line, by us."""
    with redirect_stderr(io.StringIO()) as held:
        yield
    sys.stderr.write(held.getvalue())


def _target(
    host: Host, variables: VariableManager, loader: DataLoader, defaults: Mapping[str, Any], sources: Sources
) -> Target:
    of_host = variables.get_vars(host=host, include_hostvars=False)
    own = {name: of_host[name] for name in defaults if name in of_host}
    layered = merged(merged(defaults, sources.profile_values), own)
    templar = Templar(loader=loader, variables={**layered, **of_host, **layered})
    rendered = {name: _rendered(templar, value, host.name, name) for name, value in layered.items()}
    connection = {
        name: _rendered(templar, value, host.name, name)
        for name, value in of_host.items()
        if name.startswith("ansible_") or name in {TRAITS_VARIABLE, PLATFORM_VARIABLE}
    }
    return Target(
        name=host.name,
        groups=sorted(group.name for group in host.get_groups() if group.name != "all"),
        connection=_connection(host.name, connection, is_this_machine=not sources.inventories),
        values=_plain(rendered),
        origins=dict(_origins(own)),
        traits=_traits(host.name, connection.get(TRAITS_VARIABLE, ())),
        platform=_platform(host.name, connection.get(PLATFORM_VARIABLE)),
    )


def _rendered(templar: Templar, value: Any, host: str, name: str) -> Any:
    with _translated_errors(_location(value) or host, f"{host}: {name}: "):
        return templar.template(value)


def _location(value: object) -> str | None:
    origin = value if isinstance(value, Origin) else Origin.get_tag(value)
    if origin is None or origin.path is None:
        return None
    return f"{origin.path}:{origin.line_num}" if origin.line_num else str(origin.path)


def _origins(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Label of every value an inventory set → where."""
    for name, value in values.items():
        label = f"{prefix}{name}"
        if location := _location(value) or _location(name):
            yield label, location
        if isinstance(value, Mapping):
            yield from _origins(value, f"{label}.")


def _plain(value: Any) -> Any:
    """The value without Ansible's tags: plain dicts, lists, text and numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _connection(name: str, variables: Mapping[str, Any], *, is_this_machine: bool) -> Connection:
    """Ansible's connection variables in our words; refuses what would silently be ignored."""
    kind = "local" if is_this_machine else str(variables.get("ansible_connection", "ssh"))
    kind = {"paramiko": "ssh", "paramiko_ssh": "ssh", "smart": "ssh"}.get(kind, kind.removeprefix("ansible.builtin."))
    if kind not in {"ssh", "local"}:
        raise InventoryError(f"connection {kind!r} is not supported (ssh, local)", location=name)
    become = None
    if variables.get("ansible_become") in {True, "true", "True", "yes"}:
        become = Become(
            user=str(variables.get("ansible_become_user", "root")),
            method=str(variables.get("ansible_become_method", "sudo")),
        )
        if become.method != "sudo":
            raise InventoryError(f"become method {become.method!r} is not supported (sudo)", location=name)
    options: dict[str, str] = {}
    for variable in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        options |= _ssh_options(str(variables.get(variable, "")))
    return Connection(
        kind=kind,
        host=str(variables.get("ansible_host", name)),
        port=_port(name, variables.get("ansible_port")),
        user=_text(variables.get("ansible_user")),
        private_key_file=_text(
            variables.get("ansible_ssh_private_key_file", variables.get("ansible_private_key_file"))
        ),
        ssh_options=options,
        become=become,
        python=_text(variables.get("ansible_python_interpreter")),
    )


def _port(name: str, value: object) -> int | None:
    if value is None:
        return None
    try:
        return int(str(value))
    except ValueError:
        raise InventoryError(f"ansible_port: {value!r} is no port", location=_location(value) or name) from None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _ssh_options(arguments: str) -> dict[str, str]:
    """Options of an ssh command line by lower-cased ssh_config name; flags without meaning here are left out."""
    options: dict[str, str] = {}
    words = iter(shlex.split(arguments))
    for word in words:
        if word == "-o" or word.startswith("-o"):
            name, _, value = (next(words, "") if word == "-o" else word[2:]).partition("=")
            options[name.strip().lower()] = value.strip()
        elif word in SSH_FLAGS:
            options[SSH_FLAGS[word]] = next(words, "")
    return options


def _traits(name: str, declared: object) -> frozenset[Trait]:
    names = declared if isinstance(declared, (list, tuple)) else [declared]
    try:
        return frozenset(Trait(str(trait)) for trait in names)
    except ValueError as error:
        known = ", ".join(trait.value for trait in Trait)
        raise InventoryError(f"{error} ({known})", location=_location(declared) or name) from None


def _platform(name: str, declared: object) -> Platform | None:
    if declared is None or str(declared) in PLATFORMS:
        return None if declared is None else PLATFORMS[str(declared)]
    message = f"{PLATFORM_VARIABLE}: {one_line(str(declared))} is none of {', '.join(PLATFORMS)}"
    raise InventoryError(message, location=_location(declared) or name)


class _translated_errors:  # noqa: N801  (reads as the context it is)
    """Turns an Ansible error into one line with file and line."""

    def __init__(self, location: str, prefix: str = "") -> None:
        self._location, self._prefix = location, prefix

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RecursionError):
            raise InventoryError(f"{self._prefix}nested too deeply", location=self._location) from None
        if not isinstance(error, AnsibleError):
            return
        cause: BaseException = error
        while isinstance(cause.__cause__, AnsibleError):
            cause = cause.__cause__
        location = _location(getattr(cause, "obj", None)) or _location(getattr(error, "obj", None)) or self._location
        text = str(getattr(cause, "message", None) or cause).splitlines()[0]
        raise InventoryError(f"{self._prefix}{text}", location=location) from None
