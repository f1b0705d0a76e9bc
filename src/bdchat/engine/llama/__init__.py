"""The only door to llama.cpp: library, model, batch, tokenizer, measurements."""
