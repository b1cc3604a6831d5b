"""What the documentation shows is run: the Python of a page in one namespace, block by block, as a reader would."""

import pytest
from cells import KernelShell, shell_of
from documentation.pages import FRAGMENT, Page, pages

PAGES = [page for page in pages() if any(block.is_run for block in page.blocks)]


def run_page(page, capsys):
    """Run the blocks of a page; where the page shows what one prints, that is compared."""
    printed = None
    with shell_of(KernelShell) as shell:
        for block in page.blocks:
            if block.is_run and block.title is None:
                capsys.readouterr()
                result = shell.run_cell(block.code, store_history=True)
                printed = capsys.readouterr().out
                assert result.success, f"{page}, line {block.line}:\n{printed}"
            elif block.language == "text" and block.follows_code and printed is not None:
                assert printed.rstrip("\n") == block.code.rstrip("\n"), f"{page}, line {block.line}"
            else:
                printed = None


@pytest.mark.filterwarnings("ignore:Using a target size")  # PyTorch's own, at a mistake that a page shows
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_runs_from_top_to_bottom(page, capsys):
    run_page(page, capsys)


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.title for block in page.blocks)], ids=str)
def test_file_of_tests_on_a_page_passes(page, pytester):
    for block in page.blocks:
        if block.title:
            pytester.path.joinpath(block.title).write_text(block.code)
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    assert set(result.parseoutcomes()) == {"passed"}


def test_few_blocks_are_left_out_as_fragments(record_property):
    blocks = [block for page in pages() for block in page.blocks if block.language == "python"]
    fragments = [block for block in blocks if block.is_fragment]
    record_property("fragments", len(fragments))
    assert len(fragments) <= len(blocks) // 5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```python\nx = 1\n```\n\n```python\nprint(y)\n```\n", "NameError"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "line 6"),
        ("```python\n%no_such_magic\n```\n", "line 2"),
    ],
)
def test_a_page_that_is_wrong_is_not_taken_for_one_that_runs(text, problem, tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(AssertionError, match=problem):
        run_page(Page(path), capsys)


def test_a_fragment_is_not_run(tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text(f"{FRAGMENT}```python\n1 / 0\n```\n")
    run_page(Page(path), capsys)
