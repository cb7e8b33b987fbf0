"""Our own form, for scripts and for tools without an adapter."""
