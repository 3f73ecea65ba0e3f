"""Screen 1: a text and how it becomes numbers."""
