"""What loops compiled by Numba call; imported by the backend that writes them, and by nothing else."""
