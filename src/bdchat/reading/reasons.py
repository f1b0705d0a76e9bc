"""Why a file cannot be read: each code with a sentence that says what to do."""

REASONS = {
    "empty": "The file is empty.",
    "unknown_format": "Its content is of no format that can be read here. Save it as PDF, .docx or text.",
    "damaged": "The file is damaged or cut off. Open it in the program that made it and save it again.",
    "encrypted": "The file needs a password. Save a copy without one.",
    "no_text": "No text was found in it: its pages are pictures. Run it through a program that recognises text first.",
    "too_many_pages": "It has more pages than documents.num_pages allows. Split it.",
    "too_large_unpacked": "Unpacked, it is larger than documents.unpacked_bytes allows.",
    "too_much_text": "It has more text than documents.text_bytes allows. Split it.",
    "too_slow": "Reading it took longer than documents.page_timeout_s or documents.file_timeout_s allows.",
    "out_of_memory": "Reading it needs more memory than documents.reader_memory_bytes allows.",
    "reader_died": "The program that reads it ended unexpectedly. Try again; a second time it is the file.",
}
