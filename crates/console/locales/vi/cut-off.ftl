# The screen `cut-off`.
