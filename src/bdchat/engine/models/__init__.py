"""Which models there are, which are here, and how one gets here."""
