"""Keras 3 on TensorFlow. The only modules that import Keras or TensorFlow, and only once the user has."""
