"""Which encoding of a model's weights is fastest on this machine, and what was made of that."""
