"""The engine process itself: frames in, prompts built, steps computed, frames out."""
