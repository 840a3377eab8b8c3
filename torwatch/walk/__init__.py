"""One snapshot of one market: its pages asked for, read and staged, over whatever way leads to the market."""
