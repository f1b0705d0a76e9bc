"""Who gets how much of the models: what accounts may ask at once, and prompts that are always ready."""
