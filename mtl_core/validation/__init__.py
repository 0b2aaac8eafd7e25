"""How far an ensemble can be trusted: ways to hold rows out, baselines on the same rows, leaks, and what its bands are worth."""
