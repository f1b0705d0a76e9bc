"""The models that documents are searched with: which one makes vectors, its processes, and the one that ranks"""
