"""The build hook uses the front end that is there, builds it where it must, and says what it lacks where it cannot."""

import os

import pytest

import hatch_build


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with an up-to-date bundle, on a machine without npm."""
    for name in ("js/package.json", "js/src/widget.ts", "js/src/layout/index.ts", "js/node_modules/left-pad/index.js"):
        write(tmp_path / name, at=1000)
    for name in hatch_build.BUNDLE:
        write(tmp_path / "shapewidget" / "static" / name, at=2000)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def write(path, at):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (at, at))


def npm(checkout, script):
    """Puts a program called npm on PATH."""
    program = checkout / "bin" / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def run_hook(checkout):
    hook = hatch_build.FrontEndBuildHook(str(checkout), {}, None, None, str(checkout), "wheel")
    hook.initialize("standard", {})


def test_bundle_that_is_there_is_used(checkout):
    run_hook(checkout)


def test_missing_bundle_is_built(checkout):
    bundle = checkout / "shapewidget" / "static" / "plotly.min.js"
    bundle.unlink()
    npm(checkout, 'echo "$@" >> calls; [ "$1" = ci ] || echo > ../shapewidget/static/plotly.min.js')
    run_hook(checkout)
    assert bundle.exists()
    assert (checkout / "js" / "calls").read_text() == "ci\nrun build\n"


@pytest.mark.parametrize("source", ["js/src/layout/index.ts", "js/package.json"])
def test_bundle_older_than_its_sources_is_built_again(source, checkout):
    write(checkout / source, at=3000)
    npm(checkout, '[ "$1" = ci ] || for file in ../shapewidget/static/*; do echo > "$file"; done')
    run_hook(checkout)
    assert hatch_build.problem_with_bundle(checkout) is None


def test_installed_npm_packages_are_no_sources(checkout):
    write(checkout / "js" / "node_modules" / "left-pad" / "index.js", at=3000)
    run_hook(checkout)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda root: (root / "shapewidget/static/plot_view.js").unlink(), "shapewidget/static lacks plot_view.js"),
        (lambda root: write(root / "js/src/widget.ts", at=3000), "the bundle is older than js/src/widget.ts"),
    ],
)
def test_without_npm_the_build_says_what_is_missing_and_the_command(damage, problem, checkout):
    damage(checkout)
    with pytest.raises(RuntimeError) as caught:
        run_hook(checkout)
    assert str(caught.value) == (
        f"The front end has to be built: {problem}, and `npm` is not on PATH. "
        "Run `cd js && npm ci && npm run build` with Node 20 or newer, then build again."
    )


def test_npm_that_fails_fails_the_build(checkout):
    write(checkout / "js" / "src" / "widget.ts", at=3000)
    npm(checkout, '[ "$1" = ci ]')
    with pytest.raises(RuntimeError, match="`npm run build` failed"):
        run_hook(checkout)


def test_npm_that_writes_no_bundle_fails_the_build(checkout):
    write(checkout / "js" / "src" / "widget.ts", at=3000)
    npm(checkout, "exit 0")
    with pytest.raises(RuntimeError, match="and still the bundle is older"):
        run_hook(checkout)
