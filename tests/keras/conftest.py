import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@pytest.fixture
def names_from_the_start():
    """Keras numbers the names that it makes up through the whole process."""
    import keras

    keras.utils.clear_session()
