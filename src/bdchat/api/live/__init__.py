"""Live answers, commands, presence: by WebSocket, or over HTTP."""
