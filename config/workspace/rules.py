"""What a saved view keeps of a list's address, and when two addresses show the same. Pure."""

from urllib.parse import parse_qsl, urlencode

from config.apikit.codes import explain
from config.errors import Invalid

LONGEST_QUERY = 2000
LONGEST_NAME = 60
MOST_PARAMETERS = 50
MOST_VIEWS = 50
# Of the page that was open, not of what it listed: its number and place, pop-ups, errors.
PASSING = {"p", "before", "e", "all", "_popup", "_to_field", "_facets", "_changelist_filters"}


def normal(query: str) -> str:
    """The query in one order, without what is empty or belongs to one visit of the page.

    Raises `Invalid` for what no list could have asked.
    """
    if len(query) > LONGEST_QUERY or "\0" in query:
        text = f"The filters take more than {LONGEST_QUERY} characters: leave some of them out."
        raise Invalid(text, field="query")
    try:
        pairs = parse_qsl(query.removeprefix("?"), max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Invalid("These filters can't be read as a list's address.", field="query") from None
    if any("\0" in value for pair in pairs for value in pair):
        raise Invalid("Take the NUL character out of the filters.", field="query")
    return urlencode(sorted(pair for pair in pairs if pair[0] not in PASSING))


def is_same(query: str, other: str) -> bool:
    """Whether two addresses of a list show the same; what can't be read is like nothing."""
    try:
        return normal(query) == normal(other)
    except Invalid:
        return False


explain(
    view_too_many=(
        "You keep as many views as one person can",
        "Delete one that you don't use any more; Saved views lists them.",
    ),
    view_team_not_yours=(
        "You can share a view with your own teams only",
        "Choose a team that you are a member of, or keep the view for yourself.",
    ),
)
