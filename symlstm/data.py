"""Sequences in files: .npy, .npz (file.npz:name), .csv; time first as symlstm has it. Nothing is unpickled."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.errors import ShapeError, ValueUnusable, unknown

Array = np.ndarray[Any, Any]
DELIMITERS = {".csv": ",;\t", ".tsv": "\t", ".txt": ",;\t "}
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*$")
MISSING = ("", "na", "n/a", "nan", "null", "none")
"""What stands in a table for a number that is not there."""


@dataclass(frozen=True)
class Data:
    """An array in float64 from a file. name: of the file. columns: those of a table that has a header."""

    name: str
    array: Array
    columns: tuple[str, ...] = ()


def read_data(source: str | Path) -> Data:
    """The array of FILE.npy, FILE.npz:NAME (the name may be left out where there is one array) or FILE.csv.

    In a .csv file rows are steps and columns inputs; a first line without numbers is a header, lines with # are left
    out, fields are separated by commas, semicolons or tabs. Raises ValueUnusable and NameUnknown.
    """
    path, member = _member(str(source))
    if not path.is_file():
        raise ValueUnusable(f"there is no file {path}", f"looked in {Path.cwd()}")
    ending = path.suffix.lower()
    if ending not in (".npy", ".npz", *DELIMITERS):
        known = f"known: .npy, .npz, {', '.join(DELIMITERS)}"
        raise ValueUnusable(f"{path.name} is not a file of data that is known", known)
    try:
        if not path.stat().st_size:
            raise ValueUnusable(f"{path.name} is empty")
        if ending in DELIMITERS:
            return _table(path, path.read_text(encoding="utf-8-sig"))
        found, name = _stored(path, member)
    except UnicodeDecodeError:
        raise ValueUnusable(f"{path.name} is no text in UTF-8", "save it as CSV in UTF-8") from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        said = getattr(error, "strerror", None) or str(error)
        if "Object arrays" in said or ("pickled data" in said and path.read_bytes()[:1] == b"\x80"):
            raise ValueUnusable(
                f"{path.name} holds Python objects, which are stored by pickle: reading them would run code",
                "store numbers: np.save(file, np.asarray(x, dtype=float))",
            ) from None
        said = "it is no file of NumPy's" if "allow_pickle" in said else said
        raise ValueUnusable(f"{path.name} cannot be read: {said}", "np.save(file, x) writes a .npy file") from None
    if found.dtype.kind not in "biuf":
        raise ValueUnusable(f"{name} holds {found.dtype}, not real numbers", "np.asarray(x, dtype=float) makes them")
    return Data(name, found.astype(np.float64))


def _member(source: str) -> tuple[Path, str]:
    """FILE.npz:NAME in its two parts."""
    before, colon, after = source.rpartition(":")
    if colon and before.lower().endswith(".npz"):
        return Path(before), after
    return Path(source), ""


def _stored(path: Path, member: str) -> tuple[Array, str]:
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found, path.name
    with found as archive:
        if member and member not in archive.files:
            raise unknown(f"array in {path.name}", member, archive.files)
        if not member and len(archive.files) != 1:
            names = ", ".join(archive.files[:8]) or "none"
            example = f"for example {path.name}:{archive.files[0]}" if archive.files else ""
            raise ValueUnusable(f"{path.name} has {len(archive.files)} arrays: {names}", example)
        name = member or archive.files[0]
        return archive[name], f"{path.name}:{name}"


def _table(path: Path, text: str) -> Data:
    lines = [(k, line) for k, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueUnusable(f"{path.name} is empty")
    delimiters = DELIMITERS[path.suffix.lower()]
    delimiter = max(delimiters, key=lines[0][1].count)
    if ";" in lines[0][1] and all(map(DECIMAL_COMMA.match, lines[0][1].split(";"))):
        delimiter = ";"
    rows = list(_fields(lines, delimiter))
    columns = tuple(rows[0][1]) if _is_header(rows[0][1]) else ()
    width = len(rows[0][1])
    array = np.empty((len(rows) - bool(columns), width))
    for row, (line, fields) in zip(array, rows[bool(columns) :], strict=True):
        if len(fields) != width:
            raise ValueUnusable(f"{path.name}:{line} has {len(fields)} fields, and the first line has {width}")
        for k, field in enumerate(fields):
            row[k] = _number(field, f"{path.name}:{line}", columns[k] if columns else str(k))
    if not len(array):
        raise ValueUnusable(f"{path.name} has a header and no rows")
    return Data(path.name, array, columns)


def _fields(lines: list[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the fields of each line."""
    for (number, _), fields in zip(
        lines, csv.reader((line for _, line in lines), delimiter=delimiter, skipinitialspace=True), strict=True
    ):
        yield number, [field.strip() for field in fields]


def _is_header(fields: list[str]) -> bool:
    """No number among them; or a table that pandas wrote with its index: nothing, then 0, 1, 2, ..."""
    named = [field for field in fields if field.lower() not in MISSING]
    if not fields[0] and fields[1:] == [str(k) for k in range(len(fields) - 1)]:
        return True
    return bool(named) and not any(_is_number(field) for field in named)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _number(field: str, where: str, column: str) -> float:
    if field.lower() in MISSING:
        return float("nan")
    try:
        return float(field)
    except ValueError:
        if DECIMAL_COMMA.match(field):
            raise ValueUnusable(
                f"{where}: {field!r} in column {column} has a comma in the place of the decimal point",
                'pandas.read_csv(file, sep=";", decimal=",").to_csv("x.csv", index=False) writes points',
            ) from None
        raise ValueUnusable(
            f"{where}: {field!r} in column {column} is no number",
            "a header stands in the first line, and has no numbers",
        ) from None


def sequence(data: Data, m: int, *, batch_first: bool = False) -> Array:
    """The data as (T, ..., m): from (T, m), (T, B, m), or (B, T, m) where batch_first; (T,) where m is 1.

    Raises ShapeError for another shape, ValueUnusable for NaN and infinity, naming step, example and column (from 0).
    """
    array = data.array
    if array.ndim == 1 and m == 1:
        array = array[:, None]
    shown = " x ".join(map(str, data.array.shape)) or "a single number"
    wanted = f"(B, T, {m}) with --batch-first, or (T, {m})" if batch_first else f"(T, {m}) or (T, B, {m})"
    if array.ndim not in (2, 3) or array.shape[-1] != m:
        raise ShapeError(
            f"{data.name} is {shown}: the layer reads {m} numbers a step", _fitting(data, array, m, wanted)
        )
    if array.ndim == 3 and batch_first:
        array = array.swapaxes(0, 1)
    if 0 in array.shape:
        raise ShapeError(f"{data.name} is {shown}: there is nothing in it", f"give {wanted}")
    _require_finite(data, array)
    return np.ascontiguousarray(array)


def _fitting(data: Data, array: Array, m: int, wanted: str) -> str:
    """What to do with an array that does not fit."""
    if array.ndim == 2 and array.shape[1] == m + 1 and _counts(array[:, 0]):
        first = f"the first column ({data.columns[0] or 'without a name'})" if data.columns else "the first column"
        return f"{first} counts the rows: leave it out, as to_csv(file, index=False) does"
    if data.columns:
        return f"the columns are {', '.join(data.columns)}; wanted is {wanted}"
    if m in array.shape[:-1]:
        axis = array.shape.index(m)
        return f"wanted is {wanted}: axis {axis} is moved there by np.moveaxis(x, {axis}, -1)"
    return f"wanted is {wanted}, with T steps and B examples"


def _counts(column: Array) -> bool:
    return len(column) > 1 and np.array_equal(column - column[0], np.arange(len(column))) and column[0] in (0, 1)


def _require_finite(data: Data, array: Array) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if not len(bad):
        return
    step, *example, column = (int(k) for k in bad[0])
    what = "NaN" if np.isnan(array[tuple(bad[0])]) else "infinity"
    place = f"step {step}" + "".join(f", example {k}" for k in example)
    place += f", column {column}" + (f" ({data.columns[column]})" if data.columns else "")
    more = f", and at {len(bad) - 1} more places" if len(bad) > 1 else ""
    raise ValueUnusable(f"{data.name} has {what} at {place}{more}", "steps, examples and columns count from 0")
