"""`mobile-export schema`: JSON Schemas of the program's documents."""

import click

DOCUMENTS = ("run", "targets", "budgets", "plan", "inventory", "history")


@click.command(name="schema")
@click.argument("document", type=click.Choice(DOCUMENTS))
def command(document: str) -> None:
    """Print the JSON Schema of a document: run.json, or a file of targets, budgets, a plan or an inventory.

    run is run.json; history is what `history show -f json` writes; targets, budgets, plan and inventory are the files
    that people write, for editors that check and complete.
    """
    from exporter.cli.output import echo
    from exporter.use_cases.schema import schema_text

    echo(schema_text(document))
