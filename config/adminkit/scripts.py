"""The scripts of a page: each that nobody needs is read and compiled on every phone."""

from django.forms import Media

# Names that Django's admin makes out of titles: with its tables of all alphabets, 170 kB.
SLUG_SCRIPTS = ("xregexp", "urlify", "prepopulate")


def without(media: Media, names: tuple[str, ...]) -> Media:
    """The same, but for the scripts whose files are named so.

    List by list, as each says what must be loaded before what.
    """
    kept, lists = Media(), vars(media)
    scripts = [[path for path in each if _stem(path) not in names] for each in lists["_js_lists"]]
    vars(kept).update(_css_lists=lists["_css_lists"], _js_lists=scripts)
    return kept


def _stem(path: object) -> str:
    return str(path).rpartition("/")[2].partition(".")[0]
