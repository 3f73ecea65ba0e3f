"""The same GPT once more in Keras on TensorFlow; TensorFlow is an extra and lives in child processes alone."""
