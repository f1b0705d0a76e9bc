"""Sockets: live answers, commands, presence."""
