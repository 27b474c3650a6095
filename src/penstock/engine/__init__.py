"""Moves rows: leases ranges, reads and maps their rows, sends them, settles what came of it, and closes with a sweep."""
