"""Regular languages: expressions read into them, combined, and written as expressions again"""
