"""Initialisations explored: exponents, half-lives and critical gains of many random cells, found beside predicted."""
