# The screen `requests`.
