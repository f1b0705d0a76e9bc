"""The database's file and connections, its schema, its size and its copies."""
