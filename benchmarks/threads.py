"""Two threads for every library: imported before NumPy, for each of them reads its setting once."""

import os

THREADS = 2
SETTINGS = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS NUMBA_NUM_THREADS PJRT_NPROC".split()
"""PyTorch; the BLAS of NumPy and of SciPy; PyTorch's own BLAS; Numba; JAX (the pool of XLA's client)."""

os.environ.update(dict.fromkeys(SETTINGS, str(THREADS)))
