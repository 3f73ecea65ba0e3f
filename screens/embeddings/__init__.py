"""Screen 2: what the numbers of a word mean."""
