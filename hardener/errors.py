"""Everything that can go wrong, as one tree, seen from the caller's side.

HardenerError                  anything this tool reports in one line
├── ConfigError                a file the operator wrote is wrong: always "file:line: message"
│   ├── ProfileError           a profile
│   ├── WaiverError            a waiver
│   └── InventoryError         the inventory, or a value it resolves to
├── TransportError             a target could not be asked
│   ├── Unreachable            no connection: refused, no route, no such name, lost
│   ├── HostKeyMismatch        the host key is unknown or has changed
│   ├── AuthenticationFailed   no key, agent or password was accepted
│   ├── BecomeFailed           logged in, but sudo refused
│   └── TimedOut               a connection, or a whole batch, exceeded its deadline
├── ApplyError                 a change could not be made
│   ├── PlaybookFailed         Ansible reported a failure
│   ├── CheckpointFailed       the target could not keep, restore or release a checkpoint
│   ├── TargetLocked           another run is under way on the target
│   └── GuardTripped           the target restored its checkpoint by itself
├── StoreError                 runs could not be kept or found
│   └── SchemaTooNew           the store was written by a later version
├── ScheduleError              systemd could not be asked, or refused
└── LabError                   a throw-away node could not be made, found or removed

Each class carries the exit code the command line ends with when nothing else decided it.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The documented exit codes; ``could not look`` is never ``COMPLIANT``."""

    COMPLIANT = 0
    FINDINGS = 1
    INCOMPLETE = 2
    USAGE = 64
    BAD_CONFIG = 65
    INTERNAL = 70
    INTERRUPTED = 130


class HardenerError(Exception):
    """Base of every error this tool raises on purpose; its text is one line for a person."""

    exit_code = ExitCode.INTERNAL


class ConfigError(HardenerError):
    """A file the operator wrote is wrong; the message starts with where.

    ``location`` is ``file:line`` (or a file, or a target, where no line can be known).
    """

    exit_code = ExitCode.BAD_CONFIG

    def __init__(self, message: str, *, location: str) -> None:
        super().__init__(f"{location}: {message}")
        self.location = location


class ProfileError(ConfigError):
    """A profile is wrong or does not exist."""


class WaiverError(ConfigError):
    """A waiver is wrong."""


class InventoryError(ConfigError):
    """The inventory cannot be read, or a value in it cannot be resolved."""


class TransportError(HardenerError):
    """A target could not be asked."""

    exit_code = ExitCode.INCOMPLETE


class Unreachable(TransportError):
    """There is no connection to the target, or it was lost."""


class HostKeyMismatch(TransportError):
    """The target's host key is unknown or differs from the known one."""


class AuthenticationFailed(TransportError):
    """The target accepted none of the offered keys or passwords."""


class BecomeFailed(TransportError):
    """The login worked and the change to the become user did not."""


class TimedOut(TransportError):
    """The target did not finish before the deadline."""


class ApplyError(HardenerError):
    """A change could not be made."""

    exit_code = ExitCode.INCOMPLETE


class PlaybookFailed(ApplyError):
    """Ansible reported a failure."""


class CheckpointFailed(ApplyError):
    """The target could not keep, restore or release a checkpoint."""


class TargetLocked(ApplyError):
    """Another run is under way on the target."""


class GuardTripped(ApplyError):
    """The target restored its checkpoint by itself."""


class StoreError(HardenerError):
    """Runs could not be kept or found."""

    exit_code = ExitCode.BAD_CONFIG


class SchemaTooNew(StoreError):
    """The store was written by a later version of this tool."""


class ScheduleError(HardenerError):
    """The service manager could not be asked, or refused."""

    exit_code = ExitCode.BAD_CONFIG


class LabError(HardenerError):
    """A throw-away node could not be made, found or removed."""

    exit_code = ExitCode.INCOMPLETE
