"""How gradients travel through a cell: exponents, half-lives, fixed points, certificates, on the closed forms."""
