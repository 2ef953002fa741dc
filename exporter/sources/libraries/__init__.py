"""What kinds of sources share that come from libraries of models: the Hugging Face hub, licenses."""
