"""`python -m manyi`: the same as `manyi`."""

from manyi.cli import main

main()
