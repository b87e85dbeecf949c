"""The page on JSON, from the schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import verify
from generator.markdown import Pages, Record, page, table, text

SCHEMAS = Path(verify.__file__).parent / "schemas"


def schemas() -> Pages:
    """The page on JSON and the schemas themselves."""
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(SCHEMAS.glob("*.schema.json"))}
    read_files = {name: json.loads(content) for name, content in files.items()}
    made: Pages = {f"schemas/{name}": content for name, content in files.items()}
    return made | {"json.md": json_page(read_files)}


def json_page(read_files: Mapping[str, Record]) -> str:
    """Every key of the JSON output."""
    parts: list[str] = []
    defined: dict[str, Record] = {}
    for name, schema in read_files.items():
        about = schema.get("description", "")
        parts.append(f"## `{schema['title']}`\n\n{text(about)}\n\nSchema: [{name}](schemas/{name}).")
        parts.append(f"A list of {type_of(schema['items'])}." if schema.get("type") == "array" else "")
        if "properties" in schema:
            parts.append(keys_table(schema))
        defined |= schema.get("$defs", {})
    for name, schema in defined.items():
        about = text(schema.get("description", "")).capitalize()
        parts.append(f"## {words(name).capitalize()}\n\n{about}\n\n{keys_table(schema)}")
    return page(
        "The JSON output",
        "Text is UTF-8. Verdicts and levels of trust are words; TeX is without dollars. In a key, `*` stands for any "
        "of several names and `[]` for an entry of a list.",
        *parts,
    )


def keys_table(schema: Record) -> str:
    """A table of keys."""
    rows = ((f"`{key}`", text(kind), text(meaning)) for key, kind, meaning in keys(schema))
    return table(("key", "type", "meaning"), rows)


def keys(schema: Record, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Key, type and meaning of everything in an object, nested objects too."""
    properties = schema.get("properties", {})
    if len(properties) > 1 and len({alike(inner) for inner in properties.values()}) == 1:
        names = ", ".join(properties)
        (inner, *_) = properties.values()
        yield f"{path}*", type_of(inner), f"for each of {names}"
        yield from keys(inner, f"{path}*.")
        return
    for name, inner in properties.items():
        yield path + name, type_of(inner), inner.get("description", "")
        yield from keys(inner, f"{path}{name}.")
        if isinstance(inner.get("additionalProperties"), dict):
            yield from keys(inner["additionalProperties"], f"{path}{name}.*.")
        yield from keys(inner.get("items", {}), f"{path}{name}[].")


def alike(schema: Record) -> str:
    """The same for schemas that say the same of their values, whatever their descriptions are; of objects only."""
    if "$ref" not in schema and "properties" not in schema:
        return str(id(schema))
    return json.dumps({k: v for k, v in schema.items() if k != "description"}, sort_keys=True)


def type_of(schema: Record) -> str:
    """The type of a value in words."""
    if "enum" in schema:
        return ", ".join(value if isinstance(value, str) else json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "$ref" in schema:
        return words(str(schema["$ref"]).rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    match schema.get("type", "any value"):
        case "array":
            return f"list of {type_of(schema['items'])}"
        case str(kind):
            return kind
        case kinds:
            return " or ".join(kinds)


def words(name: str) -> str:
    """The name of a definition as words."""
    return name.replace("_", " ")
