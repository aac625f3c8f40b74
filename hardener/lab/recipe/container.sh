# Runs inside a container's file tree (chroot).
set -eu

# A mount that a container may not make; without this its system would be "degraded" from the start.
systemctl mask --quiet run-rpc_pipefs.mount
