"""Map layers: publishes versions that browsers may keep for ever."""
