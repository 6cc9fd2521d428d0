"""How webhook requests are sent: what goes out, to whom, what comes of it; a built-in receiver."""
