"""What carries requests: protocols, connections, file descriptors, and their bounds."""
