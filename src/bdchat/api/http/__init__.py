"""What every endpoint is made with: guards, request bodies, error mapping, OpenAPI, the page's files. Knows no row."""
