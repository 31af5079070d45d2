# The screen `audit`.
