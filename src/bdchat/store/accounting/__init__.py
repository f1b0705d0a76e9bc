"""How many bytes each account keeps, and how many it may."""
