"""A cell over a whole sequence as NumPy text: what need not be done step by step is done for all steps at once."""
