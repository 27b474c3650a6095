"""penstock moves the rows of an old SQL database through an HTTP API: many at once, safe to kill, and every row accounted for."""
