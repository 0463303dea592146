"""Notations by name (tables in symlstm/emit/notations), from a TOML file, or from a dictionary."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from symlstm.emit.untex import untex
from symlstm.errors import SymlstmError, unknown
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.notation import DEFAULT, Notation


class NotationError(SymlstmError):
    """A notation cannot be read: what is wrong in it, and where."""

    code = "notation"


TABLES = ("symbols", "verbatim", "functions", "text_symbols")
SIGNS = (
    *("name", "product", "plus", "matrix_product", "time", "concat", "concat_separator", "adjoint", "upstream"),
    *("delta", "change", "transpose", "text_product", "text_plus", "text_time", "text_concat_separator"),
)
KEYS = (*SIGNS, *TABLES)
PLACES = {"time": ("#1", "#2"), "concat": ("#1",), "adjoint": ("#1",), "upstream": ("#1",), "delta": ("#1",),
          "change": ("#1",), "transpose": ("#1",)}  # fmt: skip
"""What a template must mention."""


def notation(source: str | Path | Mapping[str, Any] | Notation | None = None) -> Notation:
    """A notation: a ready one by name (default, blog, course, course_letters), a .toml file, or a dictionary.

    A dictionary has the keys of such a file, or is simply symbol -> LaTeX: {"c_tilde": r"\\\\tilde{C}"}.
    Raises NameUnknown and NotationError.
    """
    if source is None:
        return _ready("default")
    if isinstance(source, Notation):
        return source
    if isinstance(source, Mapping):
        return _from_mapping(source)
    if isinstance(source, Path) or str(source).endswith(".toml") or "/" in str(source):
        return _from_file(Path(source))
    if source not in ready():
        raise unknown("notation", source, ready())
    return _ready(source)


@lru_cache(maxsize=1)
def ready() -> tuple[str, ...]:
    """The names of the ready notations."""
    folder = files("symlstm.emit").joinpath("notations")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@lru_cache(maxsize=16)
def _ready(name: str) -> Notation:
    text = files("symlstm.emit").joinpath("notations", f"{name}.toml").read_text("utf-8")
    return _from_table(tomllib.loads(text), name, name)


def _from_file(path: Path) -> Notation:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotationError(f"the notation {path} cannot be read: {error}") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotationError(
            f"{path} is not TOML: {error}", "LaTeX goes between single quotes: c_tilde = '\\tilde{c}'"
        ) from None
    return _from_table(table, str(path), path.stem)


def _from_mapping(table: Mapping[str, Any]) -> Notation:
    if any(key in KEYS for key in table):
        return _from_table(table, "the notation", "own")
    near = {key: difflib.get_close_matches(str(key), KEYS, n=1, cutoff=0.84) for key in table}
    for key, match in near.items():
        if match:
            raise unknown("choice of a notation", str(key), match)
    return _from_table({"symbols": table}, "the notation", "own")


def _from_table(table: Mapping[str, Any], where: str, name: str) -> Notation:
    changes: dict[str, Any] = {"name": name}
    for key, value in table.items():
        if key not in KEYS:
            raise unknown(f"choice of a notation (in {where})", str(key), KEYS)
        if key in TABLES:
            changes[key] = _table(key, value, where)
        else:
            changes[key] = _sign(key, value, where)
    for key in changes.get("functions", {}):
        if key not in ELEMENTWISE and key not in WHOLE:
            raise unknown(f"function (in {where}, [functions])", key, (*ELEMENTWISE, *WHOLE))
    changes["text_symbols"] = {k: untex(v) for k, v in changes.get("symbols", {}).items()} | changes.get(
        "text_symbols", {}
    )
    return (DEFAULT if name == "default" else _ready("default")).with_(**_in_text(changes))


def _in_text(changes: dict[str, Any]) -> dict[str, Any]:
    """Plain text follows the LaTeX where nothing else is said."""
    for key in ("product", "plus", "concat_separator"):
        if key in changes:
            said = untex(changes[key])
            changes.setdefault(f"text_{key}", said + " " if key == "concat_separator" else said)
    if "^" in changes.get("time", ""):
        after = changes["time"].partition("#1")[2]
        changes.setdefault("text_time", "#1" + untex(re.sub(r"^\^\{(.*)\}$", r"\1", after)))
    return changes


def _table(key: str, value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise NotationError(f"{key} in {where} is not a table", f"write [{key}] and a line for each, such as h = 'a'")
    return {str(k): _latex(f"{key}.{k}", v, where, plain=key == "text_symbols") for k, v in value.items()}


def _sign(key: str, value: Any, where: str) -> str:
    text = _latex(key, value, where, plain=key == "name" or key.startswith("text_"))
    missing = [place for place in PLACES.get(key, ()) if place not in text]
    if missing:
        raise NotationError(
            f"{key} = {text!r} in {where} does not mention {missing[0]}",
            f"{missing[0]} stands for what is filled in, as in {key} = {getattr(DEFAULT, key)!r}",
        )
    return text


def _latex(key: str, value: Any, where: str, plain: bool = False) -> str:
    if not isinstance(value, str):
        raise NotationError(f"{key} in {where} is {value!r}, not a text", f"write it between quotes: {key} = '...'")
    if any(ord(c) < 0x20 for c in value):
        raise NotationError(
            f"{key} in {where} holds a control character", "in TOML, LaTeX goes between single quotes: '\\tilde{c}'"
        )
    if not plain:
        bare = re.sub(r"\\.", "", value)
        depth = 0
        for c in bare:
            depth += (c == "{") - (c == "}")
            if depth < 0:
                break
        if depth:
            raise NotationError(f"{key} = {value!r} in {where} has unbalanced braces")
    return value
