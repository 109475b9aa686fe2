"""`/ogc`: the map layers for programs of others, by OGC API – Features. Read only.

What is declared: Part 1 Core, GeoJSON, HTML and OpenAPI 3.0; Part 2 (coordinates in WGS 84 and the
province's VN-2000 zones, by the one pinned operation); of Part 3 the queryables, as parameters.
A token in the header opens it, and so does a person's session.
"""

from __future__ import annotations

from ioc.web.ogc.routes import router

__all__ = ["router"]
