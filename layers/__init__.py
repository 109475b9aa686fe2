"""The layers worker: makes map layers out of the registry and of the map data that ships.

`python -m layers` takes jobs of `layer_job` by lease, publishes the base layers at start, and the
point layers `things` and `bts` again whenever the registry changes. A layer version is gzipped
GeoJSON named by its content, so publishing the same again is nothing new.
"""
