"""Screen 4: runs, while they learn and afterwards."""
