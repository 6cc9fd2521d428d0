"""One tenant: its content, clock and tokens; making, finding and replacing worlds."""
