"""``python -m tests.fuzz.guided READER SECONDS FOLDER``: answers that are made to reach every branch of one reader.

atheris sees which lines of hardener an answer runs through, keeps those that reach new ones in the folder, and changes
them further; a later run goes on from there. It ends the process: with an error where a property was broken, after
writing the answer to a file beside the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hardener"]):
    from hardener.model import Answer
    from tests.fuzz import properties
    from tests.fuzz.properties import FACTS, NONCE

DEPTH = 4
"""Levels of a generated value."""
FIELDS = """
    event event_data host node task role res changed diff kind setting subject key before after state conditional msg
    invocation module_args path dest name runner_on_ok runner_on_failed resolved_action ansible.builtin.group stdout
    """.split()  # noqa: SIM905  (a list would be a page)
SEEDS: Mapping[str, list[bytes]] = {
    "frames": [
        b"\7" + properties.framed(0, b"uid=0") + b"\0" + properties.framed(1, b""),
        f"\1{NONCE} password {NONCE} ready\n\n{NONCE} done\n".encode(),
    ],
    "facts": [b"\0\0ID=debian\n", b'\x0b\0{"run": "R1", "operator": "ann", "state": "armed"}'],
    "answers": [
        b'{"run": "R1", "operator": "ann", "state": "restored", "reason": "", "left": ["x"]}',
        b'{"undone": [["files", "/etc/x"]], "conflicts": [], "left": ["x"]}',
        b'{"locked_by": {"run": "R1"}}',
    ],
    "events": [bytes(range(64)), bytes(range(255, 100, -3))],
}


def _frames(data: bytes) -> None:
    stdout, _, stderr = data[1:].partition(b"\0")
    properties.frames(stdout, stderr, data[0] % 40 + 1 if data else 1, with_password=bool(data and data[0] % 2))


def _facts(data: bytes) -> None:
    """Of each part the first byte chooses the question, and the second is the status."""
    parts = [part for part in data.split(b"\xff") if len(part) > 1]
    properties.facts({FACTS[part[0] % len(FACTS)]: Answer(exit_status=part[1], stdout=part[2:]) for part in parts})


def _events(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    result = {"changed": True, "diff": _value(provider, DEPTH), "invocation": _value(provider, DEPTH)}
    told = {"host": "node", "task": "Do it", "resolved_action": provider.PickValueInList(FIELDS), "res": result}
    properties.told({"event": "runner_on_ok", "event_data": told})
    properties.told({"event": "runner_on_failed", "event_data": {**told, "res": _value(provider, DEPTH)}})
    event = _value(provider, DEPTH)
    properties.told(event if isinstance(event, dict) else {"event": "runner_on_ok", "event_data": event})


def _value(provider: atheris.FuzzedDataProvider, depth: int) -> object:
    """Anything that JSON can say, with names that readers look for."""
    choice = provider.ConsumeIntInRange(0, 7 if depth else 4)
    if choice >= 6:
        names = [provider.PickValueInList(FIELDS) for _ in range(provider.ConsumeIntInRange(0, 6))]
        return {name: _value(provider, depth - 1) for name in names}
    if choice == 5:
        return [_value(provider, depth - 1) for _ in range(provider.ConsumeIntInRange(0, 3))]
    simple: list[Callable[[], object]] = [
        lambda: provider.PickValueInList(FIELDS),
        lambda: provider.ConsumeUnicode(20),
        provider.ConsumeBool,
        lambda: provider.ConsumeInt(9),
        lambda: None,
    ]
    return simple[choice]()


READERS: Mapping[str, Callable[[bytes], None]] = {
    "frames": _frames,
    "facts": _facts,
    "answers": properties.answered,
    "events": _events,
}


def main(reader: str, seconds: int, folder: Path) -> None:
    """Try one reader for so long."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[reader]):
        (folder / f"seed-{number}").write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "max_len": 4096,
        "timeout": 20,
        "rss_limit_mb": 1024,
        "verbosity": 0,
        "print_final_stats": 1,
        "artifact_prefix": f"{folder}-",
    }
    atheris.Setup([reader, *(f"-{name}={value}" for name, value in options.items()), str(folder)], READERS[reader])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
