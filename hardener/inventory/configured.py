"""The paths that Ansible's configuration names: where plugins and roles are looked for, and files of secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import hardener.inventory.reading  # noqa: F401  (says how Ansible is to read its configuration, before it does)

# isort: split
from ansible import constants
from ansible.config.manager import ConfigManager

from hardener.inventory.trusting import configuration_files

FILES = ("BECOME_PASSWORD_FILE", "CONNECTION_PASSWORD_FILE", "DEFAULT_VAULT_PASSWORD_FILE", "PLUGIN_FILTERS_CFG")
HOME = "ANSIBLE_HOME"
CACHE = "CACHE_PLUGIN_CONNECTION"
IDENTITIES = "DEFAULT_VAULT_IDENTITY_LIST"


def configured_paths() -> Sequence[str]:
    """All that Ansible would load or read because its environment, a configuration file or a default says so.

    Both for what we read by ourselves and for the program that runs a playbook, which may find another file.
    """
    managers = [constants.config]
    managers += [ConfigManager(str(file)) for file in configuration_files() if str(file) != constants.CONFIG_FILE]
    return [path for manager in managers for path in _paths(manager)]


def _paths(manager: Any) -> Iterator[str]:
    known = {**vars(constants), HOME: manager.get_config_value(HOME)}  # what defaults are made of

    def value(name: str) -> Any:
        return manager.get_config_value(name, variables=known)

    for name, setting in manager.get_configuration_definitions(ignore_private=True).items():
        if setting.get("type") == "pathspec":
            yield from value(name) or ()
    yield from (path for name in FILES if (path := value(name)))
    # What follows may be something else than a path, and is one only where something is there.
    for said in (value(CACHE), *(identity.rpartition("@")[2] for identity in value(IDENTITIES) or ())):
        if said and os.path.lexists(said):
            yield said
