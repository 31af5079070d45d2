# The screen `keys`.
