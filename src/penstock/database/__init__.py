"""Opening databases: the one place that knows drivers, session settings and driver error codes."""
