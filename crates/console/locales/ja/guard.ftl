# The screen `guard`.
