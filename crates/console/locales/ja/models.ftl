# The screen `models`.
