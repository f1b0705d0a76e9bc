"""Re-encoding of weights as llama.cpp does it, and how fast its kernels are with each encoding."""
