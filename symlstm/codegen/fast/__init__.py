"""What loops compiled by Numba call; imported by the backend that writes them, and by nothing else."""

import numpy as np

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
"""What loops are compiled for."""
