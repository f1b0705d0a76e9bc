"""Import and export of chats: bdchat's own document, Markdown, JSONL, a parser for each other program in programs/."""
