"""Says what goes into a node's image, and gives that content a digest so that a changed recipe is built anew."""

import hashlib
import shlex
import uuid
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from hardener.lab import apt
from hardener.lab.node import Kind, Release

RECIPE_FOLDER = Path(__file__).with_name("recipe")
_DECIDING_CODE = ("recipe.py", "disks.py")
_QUOTED_FOLDER = shlex.quote(str(RECIPE_FOLDER))


class Recipe(BaseModel):
    """Everything that decides what an image contains."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    release: Release
    sources: tuple[apt.Source, ...]
    apt_settings: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with the recipe, its scripts or the code that builds it."""
        content = hashlib.sha256(self.model_dump_json().encode())
        for path in [*sorted(RECIPE_FOLDER.iterdir()), *(Path(__file__).with_name(name) for name in _DECIDING_CODE)]:
            content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return content.hexdigest()[:12]

    @property
    def root_uuid(self) -> str:
        """The identity of the root file system, the same for every node of one image."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"hardener lab {self.kind}{self.release}"))


def recipe_for(kind: Kind, release: Release) -> Recipe:
    """The recipe of an image on this machine; raises LabError where it has no Debian package source."""
    return Recipe(
        kind=kind,
        release=release,
        sources=tuple(apt.machine_sources(release)),
        apt_settings=('Acquire::Languages "none";', *apt.machine_settings()),
        packages=package_names(kind, release),
    )


def package_names(kind: Kind, release: Release) -> tuple[str, ...]:
    """The packages added to Debian's own ``important`` set, sorted."""
    lists = yaml.safe_load((RECIPE_FOLDER / "packages.yml").read_text())
    return tuple(sorted({*lists["all"], *lists[f"release-{release}"], *lists[kind]}))


def mmdebstrap_argv(recipe: Recipe, tree: Path, work: Path) -> list[str]:
    """The command that fills ``tree``; ``work`` holds the files :func:`write_inputs` made."""
    hooks = [
        f'--essential-hook=chroot "$1" debconf-set-selections < {_QUOTED_FOLDER}/preseed.txt',
        f'--customize-hook=cp {_QUOTED_FOLDER}/seed.service "$1"/etc/systemd/system/hardener-lab-seed.service',
        f'--customize-hook=mkdir "$1"/etc/hardener-lab && cp {_QUOTED_FOLDER}/seed.sh "$1"/etc/hardener-lab/',
        _script_hook("customize", "soften.sh"),
        _script_hook("customize", f"{recipe.kind}.sh", f"ROOT_UUID={recipe.root_uuid} "),
    ]
    if recipe.kind == "vm":
        hooks.append(_script_hook("essential", "initrd.sh"))
    return [
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        "--variant=important",
        f"--include={','.join(recipe.packages)}",
        "--dpkgopt=force-unsafe-io",
        f"--aptopt={work}/90lab.conf",
        "--skip=cleanup/apt",
        *hooks,
        apt.CODENAMES[recipe.release],
        str(tree),
        f"{work}/sources.list",
    ]


def write_inputs(recipe: Recipe, work: Path) -> None:
    """Write the files :func:`mmdebstrap_argv` names into ``work``."""
    (work / "sources.list").write_text("".join(f"{source.line()}\n" for source in recipe.sources))
    (work / "90lab.conf").write_text("".join(f"{line}\n" for line in recipe.apt_settings))


def _script_hook(stage: str, script: str, environment: str = "") -> str:
    """Have mmdebstrap run one of the recipe's scripts inside the file tree."""
    return f'--{stage}-hook={environment}chroot "$1" /bin/sh < {_QUOTED_FOLDER}/{script}'
