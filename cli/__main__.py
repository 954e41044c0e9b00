"""`python -m cli` is the program `forgehand`."""

from cli.main import main

main()
