"""The parsing stage: finding parsers, running one on a page in a worker with limits, and watching that its fields do not fade."""
