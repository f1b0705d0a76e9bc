"""Who must hear of something: messages by topic, in one process or over Redis."""
