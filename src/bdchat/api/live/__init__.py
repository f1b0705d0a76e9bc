"""WebSockets: live answers, commands, presence."""
