"""Builds the images nodes start from, once per recipe, and keeps them in the user's cache."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hardener.lab.disks import make_disks
from hardener.lab.node import cache_home, checked_kind, checked_release
from hardener.lab.recipe import Recipe, mmdebstrap_argv, recipe_for, write_inputs
from hardener.lab.tools import locked, locked_if_free, remove_folder, require_tools, run_confined

_DRAFT_PREFIX = ".building-"


def build_image(kind: str, release: str, progress: Callable[[str], None] = lambda _line: None) -> Path:
    """The folder of the image for ``kind`` and ``release``, built first if this recipe never was (1-2 minutes).

    A virtual machine's image holds one raw disk per file system and ``boot.iso``; a container's holds ``rootfs``.
    Raises LabError where a tool is missing or the build fails; the message ends with the tool's last line.
    """
    recipe = recipe_for(checked_kind(kind), checked_release(release))
    images = _images()
    image = images / f"{recipe.kind}{recipe.release}-{recipe.digest}"
    if image.is_dir():
        return image
    require_tools(recipe.kind)
    remove_abandoned_builds()
    with locked(images / f"{recipe.kind}{recipe.release}.lock"):
        if not image.is_dir():
            progress(f"building the Debian {recipe.release} {recipe.kind} image (once; 1 to 2 minutes)")
            _build(recipe, image, progress)
    return image


def remove_abandoned_builds() -> None:
    """Remove what killed builds left behind; builds under way are not touched."""
    images = _images()
    for draft in images.glob(f"{_DRAFT_PREFIX}*"):
        name = draft.name.removeprefix(_DRAFT_PREFIX).split("-")[0]
        with locked_if_free(images / f"{name}.lock") as held:
            if held:
                remove_folder(draft)


def _images() -> Path:
    """The folder with one folder per image."""
    return cache_home() / "images"


def _build(recipe: Recipe, image: Path, progress: Callable[[str], None]) -> None:
    """Build into a folder of its own and rename it into place when it is complete."""
    work = Path(tempfile.mkdtemp(prefix=f"{_DRAFT_PREFIX}{recipe.kind}{recipe.release}-", dir=image.parent))
    tree = work / "tree"
    result = work / "image"
    result.mkdir(mode=0o755)
    try:
        write_inputs(recipe, work)
        log = image.parent / f"{image.name}.log"
        run_confined(mmdebstrap_argv(recipe, tree, work), log=log, env={"TMPDIR": str(work), "LC_ALL": "C.UTF-8"})
        # An empty file, unlike a missing one, is not taken for a first boot that enables every unit again.
        (tree / "etc/machine-id").write_text("")
        (tree / "etc/machine-id").chmod(0o644)
        if recipe.kind == "vm":
            progress("making its file systems")
            make_disks(recipe, tree, result)
        else:
            tree.rename(result / "rootfs")
        result.rename(image)
    finally:
        remove_folder(work)
