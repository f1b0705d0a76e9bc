"""Numbers that the scheduler decides by: time of a step, growth of an answer, time until a place is free."""
