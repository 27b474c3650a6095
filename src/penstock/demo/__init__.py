"""The whole thing on one machine, with nothing to install: an old shop, an API that stumbles, a run that is killed, a count."""
