"""Screen 3: look inside one forward pass, and change it."""
