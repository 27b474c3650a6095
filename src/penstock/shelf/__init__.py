"""What may be as much as there are rows, put aside in temporary files rather than in memory."""
