"""Database rows; never tokens or HTTP."""
