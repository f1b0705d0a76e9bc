"""Rows and vectors; never tokens or HTTP."""
