import pytest
from stand_in import RecordingSession


@pytest.fixture
def session():
    return RecordingSession()
