"""`python -m symlstm` is the `symlstm` command."""

from symlstm.cli import main

main()
