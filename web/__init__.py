"""HTTP, pages and the command line: parse, call, render."""
