"""How a worker hears that there may be work. A hint, never the truth: losing or doubling one changes only speed."""
