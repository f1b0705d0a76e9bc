"""JSON Schema as it means → one that the compiler of grammars takes, or a refusal by name"""
