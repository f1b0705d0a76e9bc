"""What a process of ours may take of the machine, and that it ends with its parent."""
