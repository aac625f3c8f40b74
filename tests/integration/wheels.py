"""The wheel of this checkout, and a node it is installed on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from hardener import lab

ROOT = Path(__file__).parents[2]
NODE_PYTHON = "3.11"
"""The Python of a node with Debian 12."""
HASHED = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(ROOT / "requirements.txt")]
"""Words for pip: all that hardener needs, from files whose hashes are known."""
HARDENER = "/opt/hardener/bin/python -P -m hardener"


def built_wheel(folder: Path, source: Path = ROOT, umask: int = -1) -> Path:
    """The wheel of a checkout, this one or a copy, made in a folder."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True, umask=umask)
    (wheel,) = folder.glob("hardener-*.whl")
    return wheel


def install_on(node: lab.Node, folder: Path) -> None:
    """Install the wheel with all it depends on as ``HARDENER``: fetched here, as a node reaches no package index."""
    site = folder / "site"
    fetch = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(site)]
    subprocess.run([*fetch, "--python-version", NODE_PYTHON, *HASHED], check=True, capture_output=True)
    subprocess.run([*fetch, "--no-deps", built_wheel(folder)], check=True, capture_output=True)
    there = f"/opt/hardener/lib/python{NODE_PYTHON}/site-packages"
    unpack = f"python3 -m venv --without-pip /opt/hardener && tar -x --no-same-owner -C {there}"
    with subprocess.Popen(["tar", "-C", site, "-c", "."], stdout=subprocess.PIPE) as packed:
        ssh = [*lab.ssh_command(node), f"sudo sh -c {shlex.quote(unpack)}"]
        subprocess.run(ssh, stdin=packed.stdout, check=True, capture_output=True)
