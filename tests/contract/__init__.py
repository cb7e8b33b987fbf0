"""The API document is true: whoever asks whatever, the answer is one that it names."""
