"""The front door: the app and the command line."""
