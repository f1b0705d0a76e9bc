"""How the weights of a model's file are written, as other programs call it. Pure."""


def quantization(description: str) -> str:
    """llama.cpp's words for a model end in it: "llama 1B Q4_1"; "Q4_K - Medium" is Q4_K_M."""
    words = description.replace(" - Medium", "_M").replace(" - Small", "_S").replace(" - Large", "_L").split()
    return words[-1] if words else ""
