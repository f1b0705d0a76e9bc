"""The engine process: frames in, prompts built, steps computed, frames out."""
