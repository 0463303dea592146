"""The built-in cells, one function each, with the paper that it comes from. Declared in pyproject.toml."""
