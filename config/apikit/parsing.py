"""JSON bodies, refused where they can't be read, kept or shown again."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class SoundJSONParser(JSONParser):
    """Refuses nesting too deep, half a surrogate pair, and numbers beyond all range."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """The body. What can't be written as JSON again could be neither stored nor answered."""
        try:
            body = super().parse(stream, media_type, parser_context)
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            detail = "The JSON is nested too deep, or holds text or numbers that can't be kept."
            raise ParseError(detail) from error
        return body
