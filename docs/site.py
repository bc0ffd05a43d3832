"""What the pages have that nobody writes by hand: the commands and the public names as they are, notebooks, results.

MkDocs calls the functions `on_…` (https://www.mkdocs.org/dev-guide/plugins/#events) while it builds mkdocs.yml.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_COMMANDS = re.compile(r"^(\s*```)console$(?!\n\s*\$ )", re.MULTILINE)
"""Blocks of commands without a prompt. «console» takes them for what a program printed, and a comment for a command."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_SHOWN = {".png", ".html"}
"""Of a recorded run: its figures, and its own page."""


def on_config(config: MkDocsConfig) -> None:
    """Pages and results that mkdocs.yml does not place yet stand last in How-to and in Results, by their own titles."""
    sections: dict[str, list[Any]] = {title: pages for entry in config.nav or [] for title, pages in entry.items()}
    placed = str(config.nav)
    pages = [path.name for path in sorted((ROOT / "docs").glob("*.md"))]
    results = [path.relative_to(ROOT).as_posix() for path in _results() if path.name == "README.md"]
    sections["How-to"] += [name for name in pages if f"'{name}'" not in placed]
    sections["Results"] += [name for name in results if f"'{name}'" not in placed]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that do not lie in docs/."""
    for path in [ROOT / "CHANGELOG.md", *_results()]:
        files.append(File(path.relative_to(ROOT).as_posix(), str(ROOT), config.site_dir, config.use_directory_urls))
    for name, text in {"reference/commands.md": commands(), "reference/python.md": names()}.items():
        files.append(File.generated(config, name, content=text))
    for notebook in sorted((ROOT / "docs").glob("tutorials/*.ipynb")):
        for name, content in as_page(notebook).items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page's text with links that lead to pages, commands as such, and lists that Python-Markdown knows for lists."""
    linked = _LINK.sub(lambda match: _link(match, page.file.src_uri, files), markdown)
    return _with_lists(_COMMANDS.sub(r"\1bash", linked))


def _results() -> Iterator[Path]:
    """What is recorded: folders with a README.md. One's own runs beside them have none."""
    yield ROOT / "results" / "README.md"
    for page in sorted((ROOT / "results").glob("*/README.md")):
        inside = sorted(page.parent.rglob("*"))
        yield from (path for path in inside if path.suffix in _SHOWN or path.name == "README.md")


def commands() -> str:
    """The page of the command line, as typer writes it from the commands themselves."""
    import typer
    from typer.cli import get_docs_for_click

    from scaling_search.cli import app

    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="scaling-search")
    text: str = get_docs_for_click(obj=command, ctx=context, name="scaling-search", title="Commands")
    for name, one in command.commands.items():  # typer cuts what they do after a few words, and links nothing
        does = one.help.split("\n\n")[0].replace("\n", " ")
        entry = f"* [`{name}`](#scaling-search-{name}): {does}"
        text = re.sub(rf"^\* `{name}`: .*$", entry.replace("\\", r"\\"), text, flags=re.MULTILINE)
    return text


def names() -> str:
    """The page of the public names: those of `scaling_search.__all__`, with their docstrings."""
    import scaling_search

    lines = [
        "# Python",
        "",
        "What `import scaling_search as ss` gives, by name; [how it goes together](../python.md).",
        "",
    ]
    places = {f"ss.{name}": _place(name) for name in scaling_search.__all__ if not name.startswith("_")}
    for name, place in (places | {"Options of a search": "scaling_search.study.options.Options"}).items():
        lines += [f"::: {place}", "    options:", f'      heading: "{name}"', f'      toc_label: "{name}"', ""]
    return "\n".join(lines)


def _place(name: str) -> str:
    """The full name of a public one: «scaling_search.study.study.Study»."""
    import scaling_search

    found = getattr(scaling_search, name)
    module = getattr(found, "__module__", None)
    return f"{module}.{name}" if module else f"scaling_search.{name}"


def as_page(notebook: Path) -> dict[str, str | bytes]:
    """A notebook as files: a page in Markdown, and the pictures that are its output."""
    import nbformat
    from nbconvert import MarkdownExporter

    content = nbformat.read(notebook, as_version=4)
    text, resources = MarkdownExporter().from_notebook_node(
        content, {"unique_key": notebook.stem, "output_files_dir": notebook.stem}
    )
    return {f"{notebook.stem}.md": text, **resources["outputs"]}


def _link(match: re.Match[str], page: str, files: Files) -> str:
    """A link as it is in the repository, as one of the pages; what is no page stays as its text."""
    kind, text, target, anchor = match.groups()
    if ":" in target:
        return match[0]
    here = page if page.startswith(("results/", "CHANGELOG")) else f"docs/{page}"
    there = posixpath.normpath(posixpath.join(posixpath.dirname(here), target)).removeprefix("docs/")
    if files.get_file_from_path(there) is None:  # what is written for the pages alone, or lies beside a generated one
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    found = files.get_file_from_path(there)
    if found is None:
        return text
    if text.endswith(".md") and found.page is not None:
        text = str(found.page.title)
    return f"{kind}[{text}]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{anchor or ''})"


def _with_lists(markdown: str) -> str:
    """A blank line before each list that follows a line of text: GitHub needs none, Python-Markdown does."""
    lines: list[str] = []
    in_code = False
    for line in markdown.split("\n"):
        before = lines[-1] if lines else ""
        begins = re.match(r"(-|\d+\.) ", line) and before.strip() and not re.match(r"(-|\d+\.) |\s", before)
        if begins and not in_code:
            lines.append("")
        in_code ^= line.lstrip().startswith("```")
        lines.append(line)
    return "\n".join(lines)
