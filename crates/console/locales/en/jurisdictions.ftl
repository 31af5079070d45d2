# The screen `jurisdictions`.
