"""Results as GitHub-flavoured Markdown, for job summaries and pull-request comments."""
