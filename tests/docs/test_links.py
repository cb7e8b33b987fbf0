"""Links and pictures of all documents lead somewhere."""

from urllib.parse import unquote

import pytest

from tests.docs.markdown import ROOT, Document, anchor, document, documents

OUTSIDE = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("doc", documents(), ids=lambda doc: doc.name)
def test_lead_to_files_and_headings_that_exist(doc: Document) -> None:
    wrong = []
    for target in doc.links():
        if target.startswith(OUTSIDE):
            continue
        name, _, heading = unquote(target).partition("#")
        path = (doc.path.parent / name).resolve() if name else doc.path
        if not path.exists() or not path.is_relative_to(ROOT):
            wrong.append(target)
        elif heading and path.suffix == ".md":
            known = document(path.relative_to(ROOT).as_posix()).anchors()
            if heading not in known:
                wrong.append(target)

    assert wrong == []


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Setting it up", "setting-it-up"),
        ("Messages: pause, resume, dead letters", "messages-pause-resume-dead-letters"),
        ("`ok` and [a link](x.md)", "ok-and-a-link"),
    ],
)
def test_knows_anchors(heading: str, expected: str) -> None:
    assert anchor(heading) == expected
