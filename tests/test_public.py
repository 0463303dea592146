"""The public names: what they are, that no module hides them, and that importing them costs nothing at first."""

import importlib
import os
import pkgutil
import subprocess
import sys

import symlstm as sl


def test_every_public_name_is_there_and_is_no_module():
    for module in pkgutil.walk_packages(sl.__path__, "symlstm."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # an adapter of a framework that is not installed
                if error.name.partition(".")[0] == "symlstm" or os.environ.get("SYMLSTM_REQUIRE_ALL") == "1":
                    raise
    for name in sl.__all__:
        assert callable(getattr(sl, name)), name


def test_the_names_fit_on_one_screen_and_are_sorted():
    assert len(sl.__all__) <= 30
    assert sorted(sl.__all__, key=str.lower) == sorted(set(sl.__all__), key=str.lower)


def test_the_command_line_starts_without_sympy():
    check = "import sys, symlstm.cli; assert 'sympy' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_deriving_needs_no_tex_browser_or_framework():
    check = (
        "import sys, symlstm as sl; sl.derive(sl.cell('lstm'), 'c', 'c_prev').evidence().require();"
        "assert not {'torch', 'jax', 'latexify', 'rich', 'typer'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
