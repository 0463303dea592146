"""Two threads for every library: imported before NumPy, for each of them reads its setting once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

THREADS = 2
SETTINGS = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS NUMBA_NUM_THREADS PJRT_NPROC".split()
"""PyTorch; the BLAS of NumPy and of SciPy; PyTorch's own BLAS; Numba; JAX (the pool of XLA's client)."""

os.environ.update(dict.fromkeys(SETTINGS, str(THREADS)))

CORE = "OPENBLAS_CORETYPE"
"""Where it is set, NumPy's OpenBLAS runs the kernels of that processor, else those that fit the one it is on.

It is left as it is, and the page says what ran: kernels for Haswell (AVX2) on a processor with AVX-512 are up to twice
as slow, while PyTorch, JAX and Numba do not read the variable.
"""


def kernels() -> str:
    """The processor whose kernels NumPy's BLAS runs, as it names it."""
    import numpy as np
    from threadpoolctl import threadpool_info

    assert np.__version__  # its BLAS is loaded
    return ", ".join(sorted({str(i.get("architecture")) for i in threadpool_info() if i["user_api"] == "blas"}))


def with_kernels(core: str, code: str) -> Any:
    """What an expression gives (as JSON) in a process where NumPy's OpenBLAS runs the kernels of that processor."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json; import benchmarks.threads as threads; {code}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, CORE: core},
    )
    return json.loads(done.stdout.splitlines()[-1])
