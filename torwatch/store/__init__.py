"""The SQLite store: what torwatch knows, what changed, and the working tables of a running snapshot."""
