-- Whose key it is, where somebody made it for themself in the console: it ends with the account. None where an operator made it.
ALTER TABLE keys ADD COLUMN account TEXT;
