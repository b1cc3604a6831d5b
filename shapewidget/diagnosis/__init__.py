"""LayerGraphs in, Findings out: the colour of every edge, and what is wrong in plain words. Standard library only."""
