"""Pure records and arithmetic: the layer graph, its symbols, and what a run of it costs. Standard library only."""
