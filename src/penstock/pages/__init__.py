"""Pages for people to keep: HTML that needs nothing but itself."""
