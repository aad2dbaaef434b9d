"""Dotted paths into jsonb, as core/attributes.get reads them: a root of that very name first, then step by step."""

from __future__ import annotations

from wend.history.sql.query import Query, storable


def path_sql(query: Query, base: str, path: str) -> str:
    """The jsonb value at a path; SQL null (or jsonb null) when there is none. `base`: a jsonb object, or null."""
    if not storable(path):
        return "null::jsonb"
    root = f"({base} -> {query.param(path, 'text')})"
    if "." not in path:
        return root
    value = base
    for part in path.split("."):
        name = query.param(part, "text")
        # A name finds nothing in a list, a number nothing in an object; an index counts from the front only.
        if part.isdecimal() and len(part) < 10:
            place = query.param(int(part), "int")
            value = f"(case jsonb_typeof({value}) when 'array' then {value} -> {place} else {value} -> {name} end)"
        else:
            value = f"({value} -> {name})"
    return f"coalesce(nullif({root}, 'null'::jsonb), {value})"
