"""What every request passes and every handler is made with: guards, bodies, errors, the page's files. Knows no row."""
