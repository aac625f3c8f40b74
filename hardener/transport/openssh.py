"""SSH through the system's own OpenSSH client, for what paramiko cannot do.

That is certificates of hosts, keys in hardware, Kerberos, and all the rest of ssh's configuration.

One connection for each transport (a control master), and a client of it for each batch. It is never one that somebody
else opened: whoever releases a guard has to log in anew, and the evidence names the host key that was verified for it.
"""

from __future__ import annotations

import math
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hardener.errors import TimedOut, Unreachable
from hardener.model import Answer, Connection, Question
from hardener.transport import openssh_words
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse, shell_command
from hardener.transport.process import ProcessPipe
from hardener.transport.session import Session, hold_session
from hardener.transport.settings import CONFIG_FILES, arguments, client, environment

PHASES = 6
"""How many times the time for a connection may pass until somebody is logged in, through a jump host as well."""
CLOSE_SECONDS = 5

# These come first, so they hold whatever the files say that are read after them, and for jump hosts as well: nothing is
# trusted or asked, and a target gets nothing of ours.
_CONFIG = """\
BatchMode yes
StrictHostKeyChecking yes
NoHostAuthenticationForLocalhost no
UpdateHostKeys no
ConnectTimeout {seconds}
ServerAliveInterval 15
ServerAliveCountMax 3
ControlMaster no
ControlPath none
ControlPersist no
ForwardAgent no
ForwardX11 no
GSSAPIDelegateCredentials no
ClearAllForwardings yes
Tunnel no
PermitLocalCommand no
RemoteCommand none
RequestTTY no
EscapeChar none
{known_hosts}
{includes}
"""

# ssh goes into the background once it is logged in. The shell stays and waits for the end of its input, which comes
# when we close it, or are killed: then it closes the connection, so that none outlives us.
_KEEPER = """\
"$@" </dev/null || exit
echo connected
read -r _
"$1" -F none -S "$CONTROL" -O exit -- target 2>/dev/null
rm -rf "$FOLDER"
"""


class OpenSshTransport:
    """One connection of OpenSSH's client; each batch runs in a channel of its own."""

    def __init__(self, connection: Connection, *, become_password: str | None, connect_seconds: float) -> None:
        self._become = connection.become
        self._password = become_password
        self._connection, self._seconds = connection, connect_seconds
        self._client = client()
        self._open = ExitStack()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="hardener-ssh-"))
            self._open.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._host_key = self._connect()
        except BaseException:
            self._open.close()
            raise

    @property
    def host_key(self) -> str | None:
        """See ``Transport.host_key``; of a certificate also the fingerprint of the authority that signed it."""
        return self._host_key

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """See ``Transport.ask``."""
        batch = Batch.of(questions)
        with self._channel(batch) as pipe:
            return converse(pipe, batch, become=self._become, password=self._password)

    @contextmanager
    def session(self, program: str) -> Iterator[Session]:
        """See ``Transport.session``."""
        batch = Batch.of(())
        with (
            self._channel(batch) as pipe,
            hold_session(pipe, batch, program, self._become, self._password) as session,
        ):
            yield session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _channel(self, batch: Batch) -> ProcessPipe:
        """A client of the connection, in which the shell of a batch waits. Without the connection it makes none."""
        if not (self._folder / "control").exists():
            raise Unreachable("the connection was lost")
        command = shell_command(self._become, batch, with_password=self._password is not None)
        options = ("ProxyCommand=false", "LogLevel=ERROR", "RequestTTY=no", "EscapeChar=none")
        words = [self._client, "-F", "none", "-S", str(self._folder / "control")]
        words += [word for option in options for word in ("-o", option)]
        return ProcessPipe([*words, "--", "target", command], environment=environment(), has_terminal=False)

    def _connect(self) -> str | None:
        """Log in; the host key that was verified."""
        connection, folder = self._connection, self._folder
        (folder / "config").write_text(self._configuration(), "utf-8")
        words = [self._client, "-F", str(folder / "config"), "-E", str(folder / "log"), "-o", "LogLevel=DEBUG1"]
        words += ["-f", "-N", "-M", "-S", str(folder / "control"), *arguments(connection), "--", connection.host]
        with (folder / "said").open("wb") as said:
            keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,  # a file, as what was started to reach the target keeps it open
                env={**environment(), "FOLDER": str(folder), "CONTROL": str(folder / "control")},
                start_new_session=True,
            )
        self._open.callback(_end, keeper)
        try:
            is_connected = self._is_connected(keeper)
        except BaseException:  # an interruption does not wait for a server either
            os.killpg(keeper.pid, signal.SIGKILL)
            raise
        log, words_of_others = _read(folder / "log"), _read(folder / "said")
        if is_connected:
            return openssh_words.verified_key(log)
        raise openssh_words.refusal(connection, log, words_of_others, self._seconds)

    def _is_connected(self, keeper: subprocess.Popen[bytes]) -> bool:
        """Wait until the keeper says so, or ends; ``TimedOut`` where it does neither."""
        limit = PHASES * math.ceil(self._seconds)
        if keeper.stdout is None:
            raise ValueError("the process was started without pipes")
        if not select.select([keeper.stdout], [], [], limit)[0]:
            raise TimedOut(f"{openssh_words.address(self._connection)} let nobody in within {limit} s")
        return keeper.stdout.readline() == b"connected\n"

    def _configuration(self) -> str:
        """Our own settings, and after them the files that ssh would read."""
        options = self._connection.ssh_options
        files = [options["configfile"]] if "configfile" in options else CONFIG_FILES
        # An included file is refused where others may write it, which /dev/null, the usual word for none, is.
        paths = [path for path in (Path(file).expanduser().absolute() for file in files) if path.is_file()]
        known_hosts = options.get("userknownhostsfile")
        return _CONFIG.format(
            seconds=max(1, math.ceil(self._seconds)),
            known_hosts=f"UserKnownHostsFile {known_hosts}" if known_hosts else "",
            includes="\n".join(f'Include "{path}"' for path in paths),
        )


def _read(file: Path) -> str:
    return file.read_text("utf-8", "backslashreplace") if file.exists() else ""


def _end(keeper: subprocess.Popen[bytes]) -> None:
    """Have the keeper close the connection; end it, with all it started, where it does not."""
    for stream in (keeper.stdin, keeper.stdout):
        if stream is not None:
            stream.close()
    try:
        keeper.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(keeper.pid, signal.SIGKILL)
        keeper.wait()
