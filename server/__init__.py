"""The matching server: catalog, index, search, service."""
