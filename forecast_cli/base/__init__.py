"""The base network: trained on synthetic series, shipped with the package, run in numpy."""
