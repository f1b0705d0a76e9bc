"""Confines child processes: memory limit, system calls, and their end with the parent's."""
