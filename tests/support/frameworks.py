"""Frameworks and tools that a test needs: returned when present, else a skip that says how to get them.

With SYMLSTM_REQUIRE_ALL=1 (as in CI) a missing one is a failure, so that nothing goes unchecked silently.
"""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]

HOW_TO_INSTALL = {
    "torch": "pip install torch",
    "jax": "pip install jax jaxlib",
    "keras": "pip install 'symlstm[keras,torch]'",
    "h5py": "pip install 'symlstm[h5]'",
    "flax": "pip install 'symlstm[flax]'",
    "onnx": "pip install 'symlstm[onnx]'",
    "onnxruntime": "pip install 'symlstm[onnx]'",
    "safetensors": "pip install 'symlstm[safetensors]'",
    "numba": "pip install 'symlstm[fast]'",
    "matplotlib": "pip install 'symlstm[plots]'",
    "joblib": "pip install 'symlstm[explore]'",
    "cloudpickle": "pip install 'symlstm[explore]'",
    "threadpoolctl": "pip install 'symlstm[explore]'",
    "pyarrow": "pip install 'symlstm[explore]'",
    "distributed": "pip install 'symlstm[dask]'",
    "pdflatex": "apt install texlive-latex-recommended lmodern",
    "pdftotext": "apt install poppler-utils",
    "pdftoppm": "apt install poppler-utils",
    "chromium": "apt install chromium",
    "node": "apt install nodejs",
    "katex": "npm install --prefix .ci/node, or set SYMLSTM_KATEX to a folder that holds KaTeX",
}


def missing(name: str) -> NoReturn:
    """Skip the running test, naming what is missing; fail it when SYMLSTM_REQUIRE_ALL=1."""
    hint = HOW_TO_INSTALL.get(name)
    message = f"{name} is not installed: {hint}" if hint else f"{name} is not installed"
    if os.environ.get("SYMLSTM_REQUIRE_ALL") == "1":
        pytest.fail(f"{message} (SYMLSTM_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(message, allow_module_level=True)


def require(module: str) -> ModuleType:
    """The framework `module`: torch on one thread, jax on the CPU in float64."""
    if module in ("jax", "flax"):
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if module == "keras":
        os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:  # installed, but broken: that is never a reason to skip
            raise
        missing(module)
    if module == "torch":
        found.set_num_threads(1)  # the tests already run one process a core
    if module == "jax":
        found.config.update("jax_enable_x64", True)
    return found


def require_tool(name: str) -> Path:
    """The path of the program `name`."""
    found = shutil.which(name)
    return Path(found) if found else missing(name)


def require_katex() -> Path:
    """The folder of the KaTeX package: $SYMLSTM_KATEX, or .ci/node/node_modules/katex."""
    named = os.environ.get("SYMLSTM_KATEX")
    folder = Path(named) if named else ROOT / ".ci" / "node" / "node_modules" / "katex"
    return folder if (folder / "dist" / "katex.mjs").is_file() else missing("katex")
