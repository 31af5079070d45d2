# The screen `chat`.
