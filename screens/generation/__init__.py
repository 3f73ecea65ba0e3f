"""Screen 5: a model that writes, and every choice it makes."""
