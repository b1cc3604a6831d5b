"""The distributions under test, built once from this checkout, and empty environments to install them into."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds nothing but what a test installs: not even pip."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, code: str) -> str:
        """What Python code prints, run away from the checkout."""
        return output_of(self.python, "-c", code, cwd=self.folder)

    def pip(self, *arguments: str | Path) -> str:
        """What a pip command prints, run for this environment by the pip of the tests."""
        return output_of(sys.executable, "-m", "pip", "--python", self.python, *arguments, cwd=self.folder)

    def packages(self) -> set[str]:
        """The lines of `pip freeze`, without where the wheel under test came from."""
        return {line.partition(" @ ")[0] for line in self.pip("freeze").splitlines()}


def output_of(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{result.stdout}\n{result.stderr}", pytrace=False)
    return result.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    output_of(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    output_of(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, cwd=ROOT)
    [path] = folder.glob("*.tar.gz")
    return path


@pytest.fixture
def empty_environment(tmp_path):
    return create_environment(tmp_path / "environment", sys.executable)


@pytest.fixture(scope="module")
def colab_environment(tmp_path_factory):
    """The releases that Colab preinstalls, on its Python 3.13; of pyenv's, the one that is there, enabled or not."""
    env = os.environ | {"PYENV_VERSION": "3.13"}
    if subprocess.run(["sh", "-c", "python3.13 --version"], env=env, capture_output=True, check=False).returncode:
        pytest.fail("Colab runs Python 3.13, and no python3.13 runs here. Get it: pyenv install 3.13", pytrace=False)
    environment = create_environment(tmp_path_factory.mktemp("colab") / "environment", "python3.13", env)
    environment.pip("install", "--requirement", ROOT / "constraints" / "colab.txt")
    return environment


def create_environment(folder, python, env=None):
    output_of(python, "-m", "venv", "--without-pip", folder, cwd=folder.parent, env=env)
    return Environment(folder)
