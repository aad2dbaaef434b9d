"""Documents as files: YAML (and so JSON) in, plain data out; plain data to YAML that reads well.

Rules: what a person wrote is what is meant: dates stay texts ("2026-12-24"), `yes` and `no` stay words (they are names of branches),
only `true` and `false` are booleans. A key given twice is an error, not a silent loss. Anchors are refused: a document is a tree.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import yaml

MAX_BYTES = 1_000_000


class DocumentError(ValueError):
    """A file cannot be read as a document; the text says file, line and what was found."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark: Any = cast(Any, self).peek_event().start_mark
            raise yaml.constructor.ConstructorError(None, None, "anchors and aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_RESOLVED = (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
)
for _tag, _pattern, _first in _RESOLVED:
    cast(Any, _Loader).add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> Any:
    # Block style is for prose; what YAML would fold, trim or misread goes in quotes, escaped.
    lines = data.split("\n")
    strange = data[:1].isspace() or any(line != line.rstrip() or not line.isprintable() for line in lines)
    style = '"' if strange else "|" if len(lines) > 1 else None
    return cast(Any, dumper).represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)


def load_all(text: str, name: str = "document") -> list[Any]:
    """All documents of a YAML text (separated by `---`). DocumentError names the place."""
    if len(text) > MAX_BYTES:
        raise DocumentError(f"{name}: larger than {MAX_BYTES} characters")
    try:
        return list(yaml.load_all(text, _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise DocumentError(f"{place}: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(f"{name}: {str(error).splitlines()[0]}") from None


def load(text: str, name: str = "document") -> Any:
    """The one document of a YAML text. DocumentError names the place."""
    documents = load_all(text, name)
    if len(documents) != 1:
        raise DocumentError(f"{name}: expected one document, found {len(documents)}")
    return documents[0]


def read(path: Path) -> Any:
    """The one document of a file. DocumentError names the place."""
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from None


def dump(document: Any) -> str:
    """YAML that `load` reads back as the very same data; keys keep their order."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140)
