"""Tokens and KV cells; never users, tables or HTTP."""
