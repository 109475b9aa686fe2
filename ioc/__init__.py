"""The operations centre: see README.md for tasks and each package's docstring for what it owns."""
