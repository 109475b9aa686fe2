"""What codecs share: how devices write names, numbers, times, trees, tags and frames.

Nothing here knows a format: a codec is put together from these parts, and no part imports a codec.
"""
