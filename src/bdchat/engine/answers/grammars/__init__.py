"""What the grammars are made of that hold a model to the calls it may make, in Lark"""
