"""Why the model says so: path attributions from a baseline alloy to the alloy in question."""
