"""The model card of a run, and two checklists of the field, from what the run and its data say: nothing in it is typed in."""
