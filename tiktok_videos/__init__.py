"""Tags in, videos out, wherever they are kept."""
