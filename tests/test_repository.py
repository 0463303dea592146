"""What is committed: nothing of the machine it was written on, and no link that leads nowhere."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
TEMPORARY = re.compile(r"(?<![\w.$}])/(?:tmp|var/tmp|private/var|home/\w|Users/\w|root/)")
REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "jsdelivr",
    "unpkg",
    "conda",
)
"""Hosts that packages are downloaded from (some split, so that this file does not name them)."""
DOWNLOAD = re.compile(r"--(?:extra-)?index-url|--registry|\b(?:curl|wget)\b[^\n]*://|\.(?:whl|tgz|tar\.gz)\b")
NOT_TEXT = {".png", ".pdf", ".jpg", ".npy", ".npz", ".pt", ".safetensors", ".onnx", ".h5"}


def committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def machine_words(environment):
    """Folders of this machine that a file could have picked up: the home folder, the checkout, the temporary one."""
    folders = {str(Path.home()), str(ROOT), tempfile.gettempdir(), environment.get("VIRTUAL_ENV", "")}
    return {folder for folder in folders if folder.count("/") > 1 or len(folder) > 5}


def problems(text, folders):
    """What of a machine or a download a text holds."""
    found = [folder for folder in folders if folder in text]
    found += TEMPORARY.findall(text)
    found += [url for url in re.findall(r"https?://[^\s\"')>\]]+", text) if _downloads(url)]
    return found + DOWNLOAD.findall(text)


def _downloads(url):
    host = urlparse(url).netloc
    return any(registry in host for registry in REGISTRIES)


def test_no_committed_file_holds_a_path_of_this_machine_or_a_place_to_download_from():
    folders = machine_words(os.environ)
    found = {}
    for path in committed():
        if path.suffix not in NOT_TEXT and path != Path(__file__).resolve():  # which holds the patterns themselves
            wrong = problems(path.read_text(encoding="utf-8"), folders)
            if wrong:
                found[str(path.relative_to(ROOT))] = wrong
    assert not found


WRONG = {
    "see /home/" + "someone/x": "a home folder",
    "in /tmp" + "/thing": "a temporary folder",
    "https://files.python" + "hosted.org/x": "a registry",
    "pip install --index" + "-url x": "another index",
    "curl -L https:" + "//example.org/a": "a download",
}


@pytest.mark.parametrize("text", WRONG, ids=WRONG.get)
def test_each_of_these_would_be_found(text):
    assert problems(text, ())


@pytest.mark.parametrize("text", ["https://arxiv.org/abs/1406.1078", "a/tmp/b", "h_prev/x_t", "${TMPDIR}/tmp/x"])
def test_ordinary_text_is_not_taken_for_one(text):
    assert problems(text, ()) == []


def links(text):
    """The targets of the links of a Markdown page that point into the project."""
    code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    targets = re.findall(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "`code`", code))
    return [t.split("#")[0] for t in targets if not re.match(r"[a-z]+:|#", t)]


def test_links_are_found():
    assert links("[a](b/c.md) [x](https://e.org) [y](#z) `[i](j)` [`k`](l.md#m)\n```\n[n](o)\n```") == [
        "b/c.md",
        "l.md",
    ]


@pytest.mark.parametrize(
    "page", [*PAGES, *(f"derivations/{p.name}" for p in sorted((ROOT / "derivations").glob("*.md")))]
)
def test_links_point_to_files_that_are_there(page):
    path = ROOT / page
    missing = [t for t in links(path.read_text()) if not (path.parent / t).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_are_there(page):
    """`symlstm/expr/functions.py` in running text is a promise too."""
    named = re.findall(r"`((?:symlstm|tests|derivations|benchmarks)/[\w/.]+)`", (ROOT / page).read_text())
    assert [n for n in named if not (ROOT / n).exists()] == []
