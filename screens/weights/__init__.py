"""Screen 6: the tensors of a model."""
