"""How dates and times are written: ISO, with the zone, so that nobody reads them two ways."""
