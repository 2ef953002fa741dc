"""Apple's command-line tools: what they are asked, what they answer, and what to do when they refuse."""
