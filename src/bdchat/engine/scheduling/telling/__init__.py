"""What the scheduler tells of itself: progress of requests, what its sequences are doing."""
