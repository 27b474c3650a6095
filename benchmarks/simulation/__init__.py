"""Many workers against one ledger, simulated: fed with what the ledger's calls were measured to cost, held against real runs."""
