"""`python -m torana.cli` is `torana`."""

from torana.cli.main import main

main()
