"""REST endpoints for a user's chats: sessions, messages, search, sharing, import and export."""
