"""`python -m ioc.cli` is the same as `ioc`."""

from ioc.cli.main import main

main()
