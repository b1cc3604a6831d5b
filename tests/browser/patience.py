"""How long a browser test waits for anything at most: a loaded machine is slow, and what works ends a wait at once."""

MOST_S = 180
MOST_MS = 1000 * MOST_S
