"""REST, version 1: OpenAPI 3.1, problem+json, cursor paging; the gate has checked the role."""
