"""One sub-package per outside tool: how its words become ours."""
