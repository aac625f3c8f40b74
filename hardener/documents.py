"""Reads the YAML files operators write, and knows the line of everything in them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hardener.errors import ConfigError

Form = TypeVar("Form", bound=BaseModel)

MOST_LEVELS = 100
"""Nothing that a person writes is nested so deeply."""
MOST_ITEMS = 1_000_000
"""Of one file, with what aliases repeat: a dozen lines of them can stand for more than any memory holds."""
LARGEST = 2**63 - 1
"""No number that a person writes is larger."""
_LONG_NUMBER = re.compile(rf"\d{{{sys.int_info.default_max_str_digits}}}")
TOO_DEEP = f"nested more than {MOST_LEVELS} levels deep"


class _Bounded:
    """Composes by recursion, as whoever reads YAML does, and stops before that costs more than a line."""

    levels = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=self.peek_event().start_mark)  # type: ignore[attr-defined]
        node: Node | None = super().compose_node(parent, index)  # type: ignore[misc]
        self.levels -= 1
        return node


if yaml.__with_libyaml__:  # reads five times as fast

    class _Loader(_Bounded, yaml.composer.Composer, yaml.CSafeLoader):
        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            yaml.composer.Composer.__init__(self)

else:

    class _Loader(_Bounded, yaml.SafeLoader):  # type: ignore[no-redef]
        pass


@dataclass(frozen=True)
class Document:
    """The data of one file, and the line of each item by its path of keys and indexes."""

    file: Path
    data: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int]

    def location(self, *path: str | int) -> str:
        """``file:line`` of an item, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines.get(path, 1)}"


def read_document(file: Path, *, error: type[ConfigError] = ConfigError) -> Document:
    """Parse a YAML mapping; ``error`` with file and line on anything wrong, a duplicate key included."""
    return parse_document(read_text(file, error=error), file, error=error)


def parse_document(text: str, file: Path, *, error: type[ConfigError] = ConfigError) -> Document:
    """The same from text that is, or shall be, in a file."""
    node = _composed(text, file, error)
    if not isinstance(node, MappingNode):
        raise error("expected a mapping at the top", location=f"{file}:1")
    lines = _lines(node, file, error)
    _refuse_unreadable(node, file, error)
    try:
        data = yaml.constructor.SafeConstructor().construct_document(node)
    except yaml.MarkedYAMLError as problem:
        raise error(problem.problem or "not YAML", location=_mark(file, problem)) from None
    return Document(file=file, data=data, lines=lines)


def validated(document: Document, form: type[Form], *, error: type[ConfigError] = ConfigError) -> Form:
    """The data as a model; ``error`` with file and line of the first item that does not fit."""
    try:
        return form.model_validate(document.data)
    except ValidationError as problem:
        first = problem.errors()[0]
        name, message = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise error(f"{name}: {message}", location=document.location(*first["loc"])) from None


def read_json(file: Path, what: str) -> Any:
    """What a JSON file says; ``ConfigError`` with file and line where that is nothing, after the words ``what``."""
    text = read_text(file)
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise ConfigError(f"{what}: {problem.msg}", location=f"{file}:{problem.lineno}") from None
    except RecursionError:
        raise ConfigError(f"{what}: nested too deeply", location=f"{file}:1") from None
    except ValueError:
        line = next(number for number, row in enumerate(text.splitlines(), 1) if _LONG_NUMBER.search(row))
        raise ConfigError(f"{what}: a number is too long", location=f"{file}:{line}") from None


def check_document(file: Path, *, error: type[ConfigError] = ConfigError) -> None:
    """Like ``read_document`` for a file somebody else will read: syntax and duplicate keys only, any tag allowed."""
    node = _composed(read_text(file, error=error), file, error)
    if node is not None:
        _lines(node, file, error)
        _refuse_unreadable(node, file, error)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merged key by key to any depth; everything else is replaced by what lies over it."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def read_text(file: Path, *, error: type[ConfigError] = ConfigError) -> str:
    """A file's text with the ends of its lines as they are; ``error`` where it cannot be read, or is no text."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        raise error(str(problem).splitlines()[0], location=f"{file}:1") from None
    except OSError as problem:
        raise error(problem.strerror or str(problem), location=str(file)) from None


def _composed(text: str, file: Path, error: type[ConfigError]) -> Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        raise error(problem.problem or "not YAML", location=_mark(file, problem)) from None
    except yaml.YAMLError as problem:
        raise error(str(problem).splitlines()[0], location=f"{file}:1") from None


def _refuse_unreadable(node: Node, file: Path, error: type[ConfigError]) -> None:
    """What looks like a number or a date, and is none that Python can hold: 5,000 digits, a month 13."""
    scalars, waiting, seen = yaml.constructor.SafeConstructor(), [node], set[int]()
    while waiting:
        item = waiting.pop()
        if isinstance(item, ScalarNode):
            if not _is_readable(item, scalars):
                what = item.tag.rpartition(":")[2]
                raise error(f"not a value of kind {what}", location=f"{file}:{item.start_mark.line + 1}")
        elif isinstance(item, (MappingNode, SequenceNode)) and id(item) not in seen:
            seen.add(id(item))
            pairs = item.value if isinstance(item, MappingNode) else ((), item.value)
            waiting += [below for pair in pairs for below in pair]


def _is_readable(node: ScalarNode, scalars: yaml.constructor.SafeConstructor) -> bool:
    try:
        value = scalars.construct_object(node)
    except yaml.YAMLError:
        return True  # a tag that is somebody else's to read
    except (ValueError, OverflowError):
        return False
    return not isinstance(value, int) or -LARGEST <= value <= LARGEST


def _mark(file: Path, problem: yaml.MarkedYAMLError) -> str:
    return f"{file}:{problem.problem_mark.line + 1 if problem.problem_mark else 1}"


def _lines(node: Node, file: Path, error: type[ConfigError]) -> Mapping[tuple[str | int, ...], int]:
    lines: dict[tuple[str | int, ...], int] = {}
    _collect_lines(node, (), lines, file, error)
    return lines


def _collect_lines(
    node: Node,
    path: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    file: Path,
    error: type[ConfigError],
) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > MOST_LEVELS:  # by an alias for what it is in
        raise error(TOO_DEEP, location=f"{file}:{node.start_mark.line + 1}")
    if len(lines) > MOST_ITEMS:
        raise error(f"more than {MOST_ITEMS} items", location=f"{file}:{node.start_mark.line + 1}")
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise error("a key is a list or a mapping", location=f"{file}:{key.start_mark.line + 1}")
            below = (*path, key.value)
            if below in lines:
                raise error(f"duplicate key {key.value!r}", location=f"{file}:{key.start_mark.line + 1}")
            lines[below] = key.start_mark.line + 1
            _collect_lines(value, below, lines, file, error)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            _collect_lines(value, (*path, index), lines, file, error)
