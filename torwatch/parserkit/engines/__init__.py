"""Engine families: markets that share a script share a module here; a parser is then a thin declaration on it."""
