"""Data sets that others published: how their files are laid out, and how they are read."""
