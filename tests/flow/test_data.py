"""Data in files: which axis is what, what is found in a table, and errors that name the place."""

import numpy as np
import pytest

from symlstm.data import Data, read_data, sequence
from symlstm.errors import NameUnknown, ShapeError, ValueUnusable


def test_arrays_are_read_and_become_float64(tmp_path):
    x = np.arange(12, dtype=np.uint8).reshape(4, 3)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    np.savez(tmp_path / "two.npz", a=x, b=x + 1)
    for name, wanted in (("x.npy", x), ("x.npz", x), ("x.npz:x", x), ("two.npz:b", x + 1)):
        found = read_data(f"{tmp_path}/{name}")
        assert found.array.dtype == np.float64 and np.array_equal(found.array, wanted)
    with pytest.raises(ValueUnusable, match=r"two.npz has 2 arrays: a, b\n  help: for example two.npz:a"):
        read_data(tmp_path / "two.npz")
    with pytest.raises(NameUnknown, match=r"no array in two.npz named 'c'"):
        read_data(f"{tmp_path}/two.npz:c")


TABLES = {
    "plain": ("1,2\n3,4\n5,6\n", ()),
    "header": ("speed,load\n1,2\n3,4\n5,6\n", ("speed", "load")),
    "semicolons": ("speed;load\n1;2\n3;4\n5;6\n", ("speed", "load")),
    "tabs": ("1\t2\n3\t4\n5\t6\n", ()),
    "comments, spaces, a mark of the byte order": ("\ufeff# made by hand\n1, 2\n\n 3, 4\n5, 6\n", ()),
    "quoted": ('"speed, m/s","load"\n1,2\n3,4\n5,6\n', ("speed, m/s", "load")),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_with_and_without_a_header(kind, tmp_path):
    text, columns = TABLES[kind]
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    found = read_data(tmp_path / "x.csv")
    np.testing.assert_array_equal(found.array, [[1, 2], [3, 4], [5, 6]])
    assert found.columns == columns


def test_the_header_of_pandas_is_found(tmp_path):
    (tmp_path / "x.csv").write_text(",0,1\n0,1.5,2\n1,3,4\n")
    np.testing.assert_array_equal(read_data(tmp_path / "x.csv").array, [[0, 1.5, 2], [1, 3, 4]])


WRONG = {
    "a,b\n1,x\n": r"x\.csv:2: 'x' in column b is no number",
    "1,2\n1,2,3\n": r"x\.csv:2 has 3 fields, and the first line has 2",
    "1,2\n\n3,4,5\n": r"x\.csv:3 has 3 fields",
    "": r"x\.csv is empty",
    "# nothing\n": r"x\.csv is empty",
    "a,b\n": r"x\.csv has a header and no rows",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_a_table_is_said_with_its_line(text, tmp_path):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueUnusable, match=WRONG[text]):
        read_data(tmp_path / "x.csv")


def test_unusable_files_are_explained(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "s.npy", np.array(["a"]))
    np.save(tmp_path / "c.npy", np.array([1j]))
    (tmp_path / "e.npy").touch()
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY nothing")
    (tmp_path / "d.npz").write_bytes(b"PK nothing")
    (tmp_path / "l.csv").write_bytes(b"sp\xe9ed\n1\n")
    (tmp_path / "x.mat").write_bytes(b"x")
    for name, said in {
        "o.npy": "holds Python objects, which are stored by pickle: reading them would run code",
        "s.npy": "s.npy holds <U1, not real numbers",
        "c.npy": "c.npy holds complex128, not real numbers",
        "e.npy": "e.npy is empty",
        "d.npy": "d.npy cannot be read",
        "d.npz": "d.npz cannot be read",
        "l.csv": "l.csv is no text in UTF-8",
        "x.mat": "x.mat is not a file of data that is known",
        "none.npy": "there is no file .*none.npy",
    }.items():
        with pytest.raises(ValueUnusable, match=said):
            read_data(tmp_path / name)


def test_which_axis_is_time():
    x = np.arange(24.0).reshape(4, 3, 2)
    np.testing.assert_array_equal(sequence(Data("x", x), 2), x)
    np.testing.assert_array_equal(sequence(Data("x", x), 2, batch_first=True), x.transpose(1, 0, 2))
    np.testing.assert_array_equal(sequence(Data("x", x[0]), 2, batch_first=True), x[0])
    np.testing.assert_array_equal(sequence(Data("x", x[0, :, 0]), 1), x[0, :, :1])


def test_a_shape_that_does_not_fit_is_explained():
    with pytest.raises(ShapeError, match=r"x.npy is 8 x 100: the layer reads 8 numbers a step\n  help: .*moveaxis"):
        sequence(Data("x.npy", np.zeros((8, 100))), 8)
    with pytest.raises(ShapeError, match=r"x.npy is 5 x 4 x 3 x 2: .*\n.*\(B, T, 2\) with --batch-first"):
        sequence(Data("x.npy", np.zeros((5, 4, 3, 2))), 2, batch_first=True)
    with pytest.raises(ShapeError, match=r"x.npy is 0 x 8: there is nothing in it"):
        sequence(Data("x.npy", np.zeros((0, 8))), 8)
    with pytest.raises(ShapeError, match=r"a single number: the layer reads 8"):
        sequence(Data("x.npy", np.zeros(())), 8)


def test_nan_is_named_by_step_example_and_column():
    x = np.zeros((1000, 3, 2))
    x[812, 1, 1] = np.nan
    with pytest.raises(ValueUnusable, match=r"x.npy has NaN at step 812, example 1, column 1\n"):
        sequence(Data("x.npy", x), 2)
    x[900, 0, 0] = np.inf
    with pytest.raises(ValueUnusable, match="NaN at step 812, example 1, column 1, and at 1 more places"):
        sequence(Data("x.npy", x.swapaxes(0, 1)), 2, batch_first=True)
    x[812, 1, 1] = 0.0
    with pytest.raises(ValueUnusable, match=r"x.csv has infinity at step 900, column 0 \(speed\)"):
        sequence(Data("x.csv", x[:, 0], ("speed", "load")), 2)


def test_an_empty_field_is_nan(tmp_path):
    (tmp_path / "x.csv").write_text("speed,load\n1,2\n3,\nNA,4\n")
    with pytest.raises(ValueUnusable, match=r"NaN at step 1, column 1 \(load\), and at 1 more places"):
        sequence(read_data(tmp_path / "x.csv"), 2)


def test_commas_in_the_place_of_points_are_named_and_not_read_as_two_fields(tmp_path):
    for name, text in (("bare", "1,5;2,5\n3,5;4,5\n"), ("header", "a;b\n1,5;2,5\n")):
        (tmp_path / f"{name}.csv").write_text(text)
        with pytest.raises(
            ValueUnusable, match=r":\d: '\d,5' in column .* has a comma in the place of the decimal point"
        ):
            read_data(tmp_path / f"{name}.csv")


def test_a_column_that_counts_the_rows_is_named(tmp_path):
    (tmp_path / "x.csv").write_text(",speed,load\n0,1,2\n1,3,4\n2,5,6\n")
    with pytest.raises(ShapeError, match=r"x.csv is 3 x 3: .*\n.*the first column \(without a name\) counts the rows"):
        sequence(read_data(tmp_path / "x.csv"), 2)
    with pytest.raises(ShapeError, match=r"the columns are , speed, load; wanted is \(T, 7\)"):
        sequence(read_data(tmp_path / "x.csv"), 7)
