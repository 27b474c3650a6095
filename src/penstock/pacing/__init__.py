"""How fast may the next request go out? Pure state and arithmetic; the engine holds the clock and does the waiting."""
