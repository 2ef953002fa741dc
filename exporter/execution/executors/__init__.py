"""Where work runs: one place a module; `exporter.execution.executor` states what each owes."""
