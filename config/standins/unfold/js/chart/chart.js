// Instead of the theme's library for charts, 200 kB on every page: ours are made of HTML and SVG.
