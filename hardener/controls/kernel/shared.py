"""What the declarations about the kernel share: severities, and which hosts route."""

from __future__ import annotations

from hardener.model import Severity, Trait

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM
ROUTERS = (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE, Trait.CONTAINER_HOST)
KUBERNETES = (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE)
