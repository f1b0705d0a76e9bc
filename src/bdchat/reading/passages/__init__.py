"""A page → passages along its headings, paragraphs, table rows and sentences."""
