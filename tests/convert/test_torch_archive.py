"""torch's files read without torch: the same numbers as torch's own reader, and nothing but tensors."""

import io
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from symlstm.checkpoints.read import read_arrays
from symlstm.errors import SymlstmError, ValueUnusable
from tests.support.frameworks import require


class Runs:
    """What a pickle may hold: code that is run when it is read."""

    def __reduce__(self):
        return (pytest.fail, ("a checkpoint was unpickled",))


def test_tensors_of_every_kind_are_those_that_torch_reads(tmp_path):
    torch = require("torch")
    rng = torch.Generator().manual_seed(0)
    drawn = torch.randn(3, 4, generator=rng)
    kept = {str(t): drawn.to(t) for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64)}
    kept |= {str(t): drawn.abs().to(t) for t in (torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
    kept |= {"turned": drawn.T, "part": drawn[1:, 2:], "spread": drawn[:, :1].expand(3, 5), "number": torch.tensor(2.5)}
    kept |= {"none": torch.zeros(0, 3), "parameter": torch.nn.Parameter(drawn)}
    torch.save({"model": kept, "epoch": 3, "lr": [0.1, (None, True)], "shape": torch.Size([2])}, tmp_path / "w.pt")
    found = read_arrays(tmp_path / "w.pt").arrays
    assert set(found) == {f"model.{name}" for name in kept}
    for name, tensor in kept.items():
        wanted = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()
        assert found[f"model.{name}"].dtype == wanted.dtype
        np.testing.assert_array_equal(found[f"model.{name}"], wanted)


def test_torch_is_not_needed(tmp_path):
    torch = require("torch")
    torch.save(torch.nn.LSTM(4, 3).state_dict(), tmp_path / "w.pt")
    check = (
        f"import sys, symlstm as sl; (one,) = sl.read_checkpoint({str(tmp_path / 'w.pt')!r}); print(one.cell, one.n)"
    )
    check += "; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True).stdout.split() == ["lstm", "3"]


def test_what_torch_wrote_before_version_1_6_is_read_by_torch(tmp_path):
    torch = require("torch")
    kept = torch.nn.GRU(2, 3).state_dict()
    torch.save(kept, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    found = read_arrays(tmp_path / "old.pt").arrays
    assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in kept.items())


def archive(path, content):
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("archive/data.pkl", content)
        made.writestr("archive/data/0", np.arange(6, dtype="<f4").tobytes())


def test_code_is_refused_by_name_and_not_run(tmp_path):
    torch = require("torch")
    torch.save(torch.nn.LSTM(2, 3), tmp_path / "module.pt")
    with pytest.raises(
        ValueUnusable, match=r"module.pt holds torch\.nn\.modules\.rnn\.LSTM, more than tensors"
    ) as raised:
        read_arrays(tmp_path / "module.pt")
    assert "torch.save(model.state_dict(), file)" in raised.value.hint
    for protocol in range(5):
        archive(tmp_path / "w.pt", pickle.dumps({"w": Runs()}, protocol))
        with pytest.raises(ValueUnusable, match=r"holds [\w.]+, more than tensors: .* would run code"):
            read_arrays(tmp_path / "w.pt")


def tensor_pickle(offset, size, stride):
    """{"w": torch._utils._rebuild_tensor_v2(storage 0, ...)}, in the words of protocol 2."""

    def numbers(values):
        return "(" + "".join(f"I{v}\n" for v in values) + "t"

    pid = "(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI6\ntQ"
    call = f"ctorch._utils\n_rebuild_tensor_v2\n({pid}I{offset}\n{numbers(size)}{numbers(stride)}I00\n}}tR"
    return f"\x80\x02}}Vw\n{call}s.".encode("latin-1")


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path):
    archive(tmp_path / "w.pt", tensor_pickle(0, (2, 3), (3, 1)))
    np.testing.assert_array_equal(read_arrays(tmp_path / "w.pt").arrays["w"], [[0, 1, 2], [3, 4, 5]])
    for offset, size, stride in (
        (1, (2, 3), (3, 1)),
        (0, (7,), (1,)),
        (0, (2,), (6,)),
        (5, (2,), (-1,)),
        (-1, (2,), (1,)),
    ):
        archive(tmp_path / "w.pt", tensor_pickle(offset, size, stride))
        with pytest.raises(ValueUnusable, match="does not fit its storage"):
            read_arrays(tmp_path / "w.pt")


def test_a_damaged_file_is_told(tmp_path):
    torch = require("torch")
    buffer = io.BytesIO()
    torch.save(torch.nn.LSTM(4, 3).state_dict(), buffer)
    whole = buffer.getvalue()
    for content in (b"", whole[: len(whole) // 2], b"PK nothing"):
        (tmp_path / "w.pt").write_bytes(content)
        with pytest.raises(SymlstmError, match=r"w\.pt cannot be read"):
            read_arrays(tmp_path / "w.pt")
    archive(tmp_path / "w.pt", pickle.dumps([1, 2]))
    with pytest.raises(ValueUnusable, match="holds a list, no tensors by name"):
        read_arrays(tmp_path / "w.pt")
