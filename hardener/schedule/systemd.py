"""The service manager, the system's or the user's own: writes unit files of ours, and none of anybody else."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hardener.errors import ConfigError, ScheduleError
from hardener.schedule.status import SERVICE_PROPERTIES, TIMER_PROPERTIES, Status, read_status
from hardener.schedule.units import MARK, SERVICE, TIMER

Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it printed; ``ScheduleError`` in one line where it failed."""

SYSTEM_FOLDER = Path("/etc/systemd/system")


def run(command: Sequence[str]) -> str:
    """The real ``Run``."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC"},  # not every version tells every time in the zone it is asked for
        )
    except OSError as error:
        raise ScheduleError(f"cannot run {command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        raise ScheduleError(f"{' '.join(command[:2])}: {said[0]}")
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class Systemd:
    """One service manager and the folder it reads an administrator's units from."""

    folder: Path
    is_user: bool
    run: Run = run

    @classmethod
    def of_system(cls) -> Self:
        """The system's."""
        return cls(folder=SYSTEM_FOLDER, is_user=False)

    @classmethod
    def of_user(cls) -> Self:
        """That of whoever runs this."""
        configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(folder=Path(configuration) / "systemd" / "user", is_user=True)

    def refuse_calendar(self, event: str) -> None:
        """Raise ``ConfigError`` where systemd does not understand a calendar event."""
        try:
            self.run(["systemd-analyze", "calendar", "--", event])
        except ScheduleError as error:
            raise ConfigError(str(error), location="--at") from None

    def install(self, texts: Mapping[str, str]) -> Mapping[Path, bool]:
        """Put the units there and start the timer; every file, and whether it had to be written.

        Raises ``ConfigError`` for a file that is not ours, ``ScheduleError`` where there is no manager; then nothing
        was written.
        """
        self._systemctl("show", "--property=Version")
        before = {self.folder / name: self._own(self.folder / name) for name in texts}
        for file, old in before.items():
            if old != texts[file.name]:
                _replace(file, texts[file.name])
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", TIMER)
        return {file: old != texts[file.name] for file, old in before.items()}

    def remove(self) -> Sequence[Path]:
        """Stop the timer and take the units away; the files that were there. A run that is under way goes on."""
        files = [file for file in (self.folder / TIMER, self.folder / SERVICE) if self._own(file) is not None]
        if self.folder / TIMER in files:
            self._systemctl("disable", "--now", TIMER)
        for file in files:
            with _translated(file):
                file.unlink()
        if files:
            self._systemctl("daemon-reload")
            self._systemctl("reset-failed", "hardener-nightly.*")
        return files

    def status(self) -> Status | None:
        """What systemd knows of the schedule; ``None`` where there is none of ours."""
        timer, service = (self._own(self.folder / name) for name in (TIMER, SERVICE))
        if timer is None or service is None:
            return None
        return read_status(
            self._properties(TIMER, TIMER_PROPERTIES),
            self._properties(SERVICE, SERVICE_PROPERTIES),
            service,
            str(self.folder / TIMER),
        )

    def _properties(self, unit: str, names: Sequence[str]) -> Mapping[str, str]:
        text = self._systemctl("show", f"--property={','.join(names)}", unit)
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def _systemctl(self, *words: str) -> str:
        return self.run(["systemctl", *(["--user"] if self.is_user else []), *words])

    def _own(self, file: Path) -> str | None:
        """The text of a unit of ours, ``None`` where there is no such file; ``ConfigError`` for one of anybody else."""
        with _translated(file):
            if not file.exists() and not file.is_symlink():
                return None
            text = "" if file.is_symlink() else file.read_text("utf-8", errors="replace")
        if text.partition("\n")[0] != MARK:
            raise ConfigError("it was not written by 'hardener schedule install'", location=str(file))
        return text


def _replace(file: Path, text: str) -> None:
    """Write a file, whole or not at all, that everybody may read."""
    with _translated(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False, encoding="utf-8") as draft:
            draft.write(text)
        Path(draft.name).chmod(0o644)
        Path(draft.name).replace(file)


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(file)) from None
