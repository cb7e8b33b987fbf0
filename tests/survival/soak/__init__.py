"""The soak: real processes under load for hours, with everything going wrong."""
