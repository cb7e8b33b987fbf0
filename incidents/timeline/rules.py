"""When somebody may say that a thing happened, and how their words are shown. Pure."""

import datetime

import nh3
from markdown_it import MarkdownIt

from config.apikit.codes import explain
from config.errors import Invalid

# Clocks of people's machines and of tools run a little ahead of ours.
AHEAD = datetime.timedelta(minutes=1)

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table"])
_tags = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code"),
    *("em", "strong", "ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
}


def moment(
    at: datetime.datetime | None,
    *,
    now: datetime.datetime,
    field: str = "at",
    earliest: datetime.datetime | None = None,
) -> datetime.datetime:
    """The instant that is meant: `at` where it is stated, else `now`.

    Raises `Invalid` for a time without zone, in the future, or before `earliest`.
    """
    if at is None:
        return now
    if at.tzinfo is None:
        raise Invalid("State the time with its zone, such as 2026-01-31T14:03:00Z.", field=field)
    if at > now + AHEAD:
        raise Invalid(f"{_shown(at)} is in the future; state when it happened.", field=field)
    if earliest is not None and at < earliest:
        raise Invalid(
            f"{_shown(at)} is too early: it can't be before {_shown(earliest)}.", field=field
        )
    return min(at, now)


def html(text: str) -> str:
    """Markdown as safe HTML: no markup of the author's own, no images, links to the web only."""
    return nh3.clean(
        _markdown.render(text),
        tags=_tags,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _shown(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


explain(
    timeline_superseded=(
        "This line was corrected already",
        "Read the timeline again, and correct the latest correction.",
    )
)
