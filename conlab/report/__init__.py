"""The page: a run, a witness, a comparison, a history as one HTML file that needs no network.

What is shown comes from saved JSON, whoever wrote it: so a page can be made anew of an old file.
Everything is drawn when the page is written. Rows of a chart are HTML with SVG in them, so that
they fit any width and can be read without the picture; curves are drawn by pygal. A little script
steps through schedules and points of charts; without it everything is there as well.
"""
