"""Reads a YAML file into plain data, remembers the line of every key, and refuses what YAML would misread silently."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from paretofair.errors import SpaceError
from paretofair.space.problems import KeyPath, show_value

# YAML 1.1 reads 1e3 as text. Its own tag lets the reader refuse it and the writer quote it.
SCIENTIFIC = "!scientific"
_SCIENTIFIC_PATTERN = re.compile(r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)[eE][-+]?\d+$")
_DECIMAL_PATTERN = re.compile(r"^[-+]?(0|[1-9][\d_]*)$")
_STANDARD = "tag:yaml.org,2002:"
# A few hundred bytes of aliases to aliases can stand for more values than fit any memory.
MOST_BYTES = 16 << 20
MOST_ALIASED = 100_000
_MOST_DIGITS = 100
_DEEPEST = 50  # keys in one another


class _Loader(yaml.SafeLoader):
    pass


class Dumper(yaml.SafeDumper):
    """A safe dumper whose text this module reads back to the same value."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _class in (_Loader, Dumper):
    _class.add_implicit_resolver(SCIENTIFIC, _SCIENTIFIC_PATTERN, list("-+.0123456789"))


@dataclass
class Document:
    """Plain data (mappings with text keys, lists, text, numbers, true/false, None) and where each key stands.

    `traps` are spellings that YAML reads as something else, by key path; `data` holds what was probably meant, so
    that the rest of the file can still be checked.
    """

    name: str
    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    overridden: dict[KeyPath, str] = field(default_factory=dict)
    traps: dict[KeyPath, str] = field(default_factory=dict)

    def place(self, path: KeyPath) -> tuple[int, str]:
        """Line (0: an override) and place in words of the nearest enclosing key that was written."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.overridden:
                return 0, f"--set {self.overridden[path[:length]]}"
            if path[:length] in self.lines:
                line = self.lines[path[:length]]
                return line, f"{self.name}:{line}"
        return 1, self.name


def read_document(path: str | Path) -> Document:
    """The document of a file. Raises SpaceError where it is missing, not a file, not UTF-8 or not YAML."""
    path = Path(path)
    try:
        if path.is_dir():
            raise SpaceError(f"{path}: a folder; a space is one YAML file in it")
        if path.exists() and not path.is_file():
            raise SpaceError(f"{path}: a pipe or a device; expected a file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SpaceError(f"{path}: larger than {MOST_BYTES >> 20} MiB; a space file has at most so much")
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        siblings = sorted(found.name for found in path.parent.glob("*.y*ml"))
        close = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"; did you mean {path.parent / close[0]}?" if close else ""
        raise SpaceError(f"{path}: no such file{hint}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpaceError(
            f"{path}:{line}: not UTF-8 (byte 0x{error.object[error.start]:02x}); save the file as UTF-8"
        ) from None
    except (OSError, ValueError) as error:
        raise SpaceError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from None
    document = parse(text, str(path))
    if document.data is None:
        raise SpaceError(f"{path}: empty; a space file needs name, data, parameters, methods and stages")
    if not isinstance(document.data, dict):
        raise SpaceError(f"{path}:1: found {show_value(document.data)}; expected a mapping (`name: ...`)")
    return document


def parse(text: str, name: str) -> Document:
    """The document of YAML text, by the safe rules only. Raises SpaceError where it is not YAML."""
    document = Document(name)
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            document.lines[()] = node.start_mark.line + 1
            document.data = _NodeReader(document).read(node, (), ())
    except _TooManyAliasesError:
        raise SpaceError(
            f"{name}: its aliases stand for more than {MOST_ALIASED:,} values; write out what is meant"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        reason = (error.problem or "cannot be read").removeprefix("but ")
        if "'\\t'" in reason:
            reason = "a tab; YAML indents with spaces"
        raise SpaceError(f"{place}: not YAML: {reason}") from None
    except yaml.reader.ReaderError as error:
        raise SpaceError(f"{name}: not YAML: {error.reason} (character {error.position})") from None
    except RecursionError:
        raise SpaceError(f"{name}: nested too deeply") from None
    return document


def override(document: Document, setting: str) -> None:
    """Applies `key.path=value` (the value is YAML) to `document` in place. Raises SpaceError naming the override."""
    place = f"--set {setting}"
    dotted, equals, text = setting.partition("=")
    path = tuple(dotted.strip().split("."))
    if not equals or not all(path):
        raise SpaceError(f"{place}: expected key.path=value, such as stages.sweep.trials=50")
    if len(path) > _DEEPEST:
        raise SpaceError(f"{place}: found {len(path):,} keys in one another; accepted: at most {_DEEPEST}")
    value = parse(text, place)
    parent = document.data
    for depth, key in enumerate(path[:-1], start=1):
        if not isinstance(parent.get(key), dict | None):
            found = show_value(parent[key])
            raise SpaceError(f"{place}: {'.'.join(path[:depth])} is {found}; it has no keys of its own")
        if parent.get(key) is None:
            parent[key] = {}
            document.overridden[path[:depth]] = setting
        parent = parent[key]
    parent[path[-1]] = value.data
    for places in (document.lines, document.overridden, document.traps):
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]
    document.overridden[path] = setting
    document.traps.update({(*path, *inner): message for inner, message in value.traps.items()})


class _TooManyAliasesError(Exception):
    pass


class _NodeReader:
    """Makes the plain data of one document. What aliases repeat is written out each time, up to a number of values."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._read: set[int] = set()
        self._repeated = 0

    def read(self, node: yaml.Node, path: KeyPath, above: Sequence[int]) -> Any:
        """The value of a node. `above` are the nodes that it stands in."""
        document = self._document
        if id(node) in above:
            document.traps.setdefault(path, "an alias to a value that contains it")
            return None
        self._repeated += id(node) in self._read
        if self._repeated > MOST_ALIASED:
            raise _TooManyAliasesError
        self._read.add(id(node))
        above = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path, above)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                document.lines[*path, index] = item.start_mark.line + 1
                items.append(self.read(item, (*path, index), above))
            return items
        value, trap = _scalar(node)
        if trap:
            document.traps.setdefault(path, trap)
        return value

    def _read_mapping(self, node: yaml.MappingNode, path: KeyPath, above: Sequence[int]) -> dict[str, Any]:
        document = self._document
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _STANDARD + "merge":
                listed = isinstance(value_node, yaml.SequenceNode)
                for source in reversed(value_node.value if listed else [value_node]):
                    merged = self.read(source, path, above) if isinstance(source, yaml.MappingNode) else None
                    if merged is None:
                        document.traps.setdefault(path, "`<<` merges mappings only")
                    else:
                        result.update(merged)
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _STANDARD + "merge":
                continue
            line = key_node.start_mark.line + 1
            key = str(key_node.value)
            inner = (*path, key)
            if key in first_lines:
                document.traps.setdefault(inner, f"given twice, on lines {first_lines[key]} and {line}")
                continue
            first_lines[key] = line
            document.lines[inner] = line
            if key_node.tag != _STANDARD + "str":
                kind = key_node.tag.removeprefix(_STANDARD)
                document.traps.setdefault(inner, f"YAML reads this key as {kind}, not as text; quote it")
            result[key] = self.read(value_node, inner, above)
        return result


def _scalar(node: yaml.ScalarNode) -> tuple[Any, str | None]:
    text, kind = node.value, node.tag.removeprefix(_STANDARD)
    if kind == "str":
        return text, None
    if kind == "null":
        return None, None
    if kind == "bool":
        if text.lower() in ("true", "false"):
            return text.lower() == "true", None
        return (
            text,
            f"YAML reads {text} as true or false; write true or false, or quote it if a word is meant",
        )
    if kind in ("int", "float", SCIENTIFIC) and len(text) > _MOST_DIGITS:
        return 0, f"found a number of {len(text):,} characters; accepted: at most {_MOST_DIGITS}"
    if kind == "int" and _DECIMAL_PATTERN.match(text):
        return int(text.replace("_", "")), None
    if kind == "float" and ":" not in text:
        special = text.lower().replace(".inf", "inf").replace(".nan", "nan")
        return float(special.replace("_", "")), None
    if kind in ("int", "float"):
        return text, f"YAML does not read {text} as it looks; write a plain decimal number"
    if kind == SCIENTIFIC:
        number = float(text.replace("_", ""))
        if number in (float("inf"), float("-inf")):
            return (
                text,
                f"YAML reads {text} as text, and it is larger than any number here; quote it if a text is meant",
            )
        digits, exponent = f"{number:.15e}".split("e")
        digits = digits.rstrip("0")
        dotted = (digits + "0" if digits.endswith(".") else digits) + f"e{int(exponent):+d}"
        return number, f"YAML reads {text} as text; write {dotted} or {number:.15g}"
    return text, f"YAML reads {text} as {kind}; quote it, or use text, a number, true or false"
