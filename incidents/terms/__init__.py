"""The governed tree of incident types, categories, closure codes, cause codes and tags."""
