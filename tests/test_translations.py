"""The documents in Korean say what the English ones do: the same commands, settings and links, in the page's words."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bdchat.cli import app

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "webui" / "src" / "locales"
PAIRS = [(f"{name}.md", f"{name}.ko.md") for name in ("README", "docs/home", "docs/documents", "docs/clients")]
KOREAN = [korean for _, korean in PAIRS]
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PATH = re.compile(r"(?:Admin|관리|Settings|설정) → [^.,;:()|\n]+")


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def commands(name: str) -> list[str]:
    lines = "".join(FENCED.findall(text_of(name))).splitlines()
    return [line.partition(" # ")[0].rstrip() for line in lines]


def named(name: str) -> set[str]:
    """All that is set as code: flags, settings, paths, commands. A cut one ends in …"""
    return set(re.findall(r"`([^`\n]+)`", FENCED.sub("", text_of(name))))


def texts_of(language: str) -> set[str]:
    def leaves(tree: Mapping[str, object]) -> list[str]:
        return [leaf for each in tree.values() for leaf in (leaves(each) if isinstance(each, dict) else [str(each)])]

    files = [LOCALES / f"{part}{language}.json" for part in ("", "pages.", "admin.")]
    return {leaf for file in files for leaf in leaves(json.loads(file.read_text("utf-8")))}


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_both_languages_name_the_same_commands_and_settings(english: str, korean: str) -> None:
    assert commands(korean) == commands(english)
    assert named(korean) == named(english)


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_both_languages_lead_to_each_other_and_to_what_is_there(english: str, korean: str) -> None:
    for name, other in ((english, korean), (korean, english)):
        links = LINK.findall(text_of(name))
        assert Path(other).name in links
        assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_every_document_is_in_the_list() -> None:
    listed = set(LINK.findall(text_of("docs/README.md")))
    here = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert here <= listed
    assert [link for link in listed if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize("korean", KOREAN)
def test_the_documents_use_the_words_of_the_glossary(korean: str) -> None:
    glossary = json.loads((LOCALES / "glossary.json").read_text("utf-8"))
    lines = FENCED.sub("", text_of(korean)).splitlines()
    found = [(line, word["ko"]) for line in lines for word in glossary if re.search(word["notKo"], line)]
    assert found == []


@pytest.mark.parametrize(("name", "language"), [("docs/home.md", "en"), ("docs/home.ko.md", "ko")])
def test_the_menus_that_are_named_are_the_pages_own(name: str, language: str) -> None:
    texts = texts_of(language)
    steps = {step.strip() for path in PATH.findall(text_of(name)) for step in path.split("→")}
    known = {step for step in steps if any(step == text or step.startswith(text) for text in texts)}
    assert len(steps) > 8
    assert steps == known
    quoted = re.findall(r"^\| [“\"]([^”\"]+)[”\"] \|", text_of(name), re.MULTILINE)
    assert len(quoted) == 3
    assert [quote for quote in quoted if not any(quote in text for text in texts)] == []


def test_what_home_tells_to_run_is_there() -> None:
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    told = re.findall(r"`bdchat (\w[\w-]*)(?: ([a-z][\w-]+))?", text_of("docs/home.md"))
    assert len(told) >= 5
    for name, subcommand in told:
        found = command.commands[name]
        assert not subcommand or (isinstance(found, TyperGroup) and subcommand in found.commands)
    flags = {option for parameter in command.commands["serve"].params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)", text_of("docs/home.md"))) <= flags
