# The screen `set-up`.
