"""What an inspector could argue about, as functions of their arguments.

Standard library only: no input or output, no clock, no settings.
"""
