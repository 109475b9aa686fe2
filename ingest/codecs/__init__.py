"""The formats, one module (or package) each; none of them imports another.

What a codec is stands in `ingest.codec`, what they share in `ingest.reading`.
"""
