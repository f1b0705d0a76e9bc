"""Tokens and cells; never users, tables or HTTP."""
