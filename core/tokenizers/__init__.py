"""How text becomes numbers, and back."""
