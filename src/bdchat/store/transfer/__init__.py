"""Import and export of chats: bdchat's own document, Markdown, JSONL, exports of ChatGPT and Open WebUI."""
