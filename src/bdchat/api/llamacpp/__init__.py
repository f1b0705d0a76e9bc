"""llama.cpp's own wire: completion, infill, and text ↔ tokens."""
