"""The database itself: connections, the one writer, schema, disk space, backups."""
