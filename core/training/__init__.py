"""The training loop, what it says of itself, and the run directory that it writes."""
