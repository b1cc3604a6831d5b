"""The only code that touches a model. Imports the graph's records; chosen by what is in `sys.modules`."""
