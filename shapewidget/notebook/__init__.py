"""IPython and widgets. May import every other layer; never touches a model itself."""
