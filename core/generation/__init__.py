"""Choosing the next token: filters on logits, and decoding."""
