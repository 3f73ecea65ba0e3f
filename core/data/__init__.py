"""Texts to learn from, and how they become training examples."""
