"""Installing in Colab changes nothing that Colab preinstalls."""

import pytest


@pytest.mark.parametrize("arguments", [(), ("--upgrade",)], ids=["install", "install --upgrade"])
def test_wheel_changes_no_package_of_colab(arguments, wheel, colab_environment):
    before = colab_environment.packages()
    colab_environment.pip("install", *arguments, wheel)
    assert colab_environment.packages() - before == {"shapewidget"}
    assert before <= colab_environment.packages()
    assert colab_environment.pip("check").strip() == "No broken requirements found."
    assert colab_environment.run("import shapewidget; shapewidget.attach; print('imported')") == "imported\n"
    colab_environment.pip("uninstall", "--yes", "shapewidget")


def test_comparison_sees_a_package_that_changes(colab_environment):
    before = colab_environment.packages()
    colab_environment.pip("install", "traitlets==5.7.0")
    assert colab_environment.packages() ^ before == {"traitlets==5.7.0", "traitlets==5.7.1"}
    colab_environment.pip("install", "traitlets==5.7.1")
