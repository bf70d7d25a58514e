import pytest
from settings_platform import evaluate_everything


@pytest.fixture(scope="session")
def platform():
    """The whole shipped platform, evaluated once."""
    return evaluate_everything()
