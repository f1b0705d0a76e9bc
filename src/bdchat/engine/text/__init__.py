"""Messages become tokens, and tokens text, by the model's own template."""
