"""An answer's raw text → its thoughts, its content and its tool calls; how each family of models writes them"""
