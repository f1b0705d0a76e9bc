"""What a context of llama.cpp is made of beside its model: its batch, its memory, copies of what sequences hold."""
