"""How much is kept, by whom, and who may keep more."""
