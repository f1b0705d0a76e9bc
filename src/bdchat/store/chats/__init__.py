"""Chats, their trees of messages, and the answers being written into them."""
