"""What holds for all tests: none fails because the machine is busy, or because the tests run in the background."""

import signal
from pathlib import Path

import ansible.module_utils
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell lets what it starts in the background ignore SIGINT, and whatever that starts as well: tests interrupt some.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What Ansible's modules share, under the name by which Ansible gives it to them on a target.
ansible.module_utils.__path__.append(str(Path(__file__).parents[1] / "playbooks" / "module_utils"))
