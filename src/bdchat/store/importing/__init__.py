"""Reading an import: a file of chats in batches of rows, a large one in a process of its own."""
