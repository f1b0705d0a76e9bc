"""GGUF files made here, of weights that another program ships in a form of its own"""
