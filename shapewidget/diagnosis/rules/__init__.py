"""The rules, one family a file. A rule is a function from evidence to diagnoses and keys on what axes mean."""
