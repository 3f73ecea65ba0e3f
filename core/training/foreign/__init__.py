"""Runs of other programs, read only: TensorBoard event folders, Hugging Face Trainer's state, nanoGPT's console log.

recognise.py says what a path holds, run.py is the run that the dashboard shows; a file for each format turns what it
finds into our events.
"""
