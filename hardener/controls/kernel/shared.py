"""What the declarations about the kernel share: numbers as references, and which hosts route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardener.model import Severity, Trait

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM
ROUTERS = (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE, Trait.CONTAINER_HOST)
KUBERNETES = (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE)


def references(
    debian12: str, debian13: str | None = None, nist: str = "CM-7", cis: str = "4.8"
) -> Mapping[str, str | Sequence[str]]:
    """The numbers of a recommendation in both releases' benchmarks, and of what it serves elsewhere.

    ``cis``: of the CIS Controls, where it is not the one about what nobody needs.
    """
    own = {"cis-debian12": debian12} | ({"cis-debian13": debian13} if debian13 else {})
    return own | {"nist-800-53": nist.split(), "cis-controls-8": cis, "pci-dss-4": "2.2.6"}
