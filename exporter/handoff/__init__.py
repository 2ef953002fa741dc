"""What an app team gets beside an artifact: golden cases, code that reads them, and the papers."""
