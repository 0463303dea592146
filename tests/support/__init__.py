"""What the tests share: frameworks and tools that may be missing, TeX, KaTeX, and distances in ulps."""
