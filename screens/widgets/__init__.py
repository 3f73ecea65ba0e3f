"""Reusable parts; they know nothing of screens."""
