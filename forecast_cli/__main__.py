"""`python -m forecast_cli` is `forecast`."""

from forecast_cli.app import main

main()
