"""Chemistry that needs no data of ours: the elements and what an alloy is made of."""
