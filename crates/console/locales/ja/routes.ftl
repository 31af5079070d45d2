# The screen `routes`.
