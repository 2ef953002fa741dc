"""`mobile-export budget`: sizes of models and apps against store rules, budgets and a baseline."""

import datetime as dt
from pathlib import Path
from typing import Any

import click

from exporter.cli.options.report import FILE, report_options
from exporter.cli.progress import progress
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem

DELIVERIES = ("app", "feature-module", "asset-pack", "ai-pack", "on-demand-resource", "background-asset")
ANY = click.Path(path_type=Path)


@click.command(name="budget")
@click.argument("subjects", nargs=-1, required=True, type=ANY, metavar="SUBJECT...")
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="NAME",
    help="Judge by the rules of this store: app-store, app-clip, watchos, mac-app-store, google-play, "
    "google-play-apk, or one of your --rules. May be repeated.",
)
@click.option(
    "--minimum-os", metavar="VERSION", help="The app's minimum OS: 16 or 'iOS 16'. Default: what the app says."
)
@click.option(
    "--invocation",
    type=click.Choice(["digital", "physical", "demo-link"]),
    help="How an App Clip may be started; only digital and demo-link have the larger limit.",
)
@click.option(
    "--delivery",
    type=click.Choice(DELIVERIES),
    default="app",
    show_default=True,
    help="How a model alone gets to the device.",
)
@click.option(
    "--app-size", metavar="SIZE", help="For a model alone: uncompressed size of the rest of the app: '12 MB'."
)
@click.option("--app-download", metavar="SIZE", help="For a model alone: download size of the rest of the app.")
@click.option(
    "--budgets",
    "budgets_file",
    type=FILE,
    metavar="FILE",
    help="The team's budgets and waivers. Default: budgets.toml of this folder, if any.",
)
@click.option("--max-download", metavar="SIZE", help="Most bytes of each subject's download: '5 MB'.")
@click.option("--max-install", metavar="SIZE", help="Most bytes of each subject on the device.")
@click.option(
    "--max-growth",
    multiple=True,
    metavar="AMOUNT",
    help="Most growth of download and install against the baseline: '1 %' or '100 kB', or both.",
)
@click.option("--baseline", type=ANY, help="The build before: a file of --write-baseline, an artifact, or a run.json.")
@click.option("--anchor", type=ANY, help="An older build, against which budgets limit slow drift.")
@click.option(
    "--write-baseline", type=FILE, metavar="FILE", help="Write the sizes found, to compare later builds with."
)
@click.option("--rules", "rules_file", type=FILE, metavar="FILE", help="Store rules of your own, over those that ship.")
@click.option("--exact", is_flag=True, help="Compress large files whole, as the reference encoders do: slower.")
@click.option("--strict", is_flag=True, help="Fail when a gate could not be checked.")
@report_options("budget")
def command(subjects: tuple[Path, ...], reporter: Reporter, **options: Any) -> int:
    """Measure download and install sizes and judge them by store rules, budgets and a baseline.

    SUBJECT is a .tflite, .mlpackage, .mlmodelc, .onnx, .apk, .aab, .aar, .so, .ipa, .xcarchive or .app, any other file
    or folder, an App Thinning Size Report (.txt) or app-thinning.plist, App Store Connect's file sizes of a build
    (.json), the CSV of `bundletool get-size total`, or a run.json.
    """
    from exporter.use_cases.budget import check_sizes, write_baseline

    found = check_sizes(_request(subjects, options), progress())
    code = reporter.report(found)
    if options["write_baseline"]:
        write_baseline(found, options["write_baseline"])
    return code


def _request(subjects: tuple[Path, ...], options: dict[str, Any]) -> Any:
    from exporter.config.budgets import load_budgets
    from exporter.data.units import parse_size
    from exporter.sizes.packaging import Options
    from exporter.sizes.stores import load_rules
    from exporter.use_cases.budget import Request

    budgets = load_budgets(options["budgets_file"] or _present(Path("budgets.toml")))
    sizes = {key: parse_size(options[key]) if options[key] else None for key in ("app_size", "app_download")}
    if sizes["app_download"] is not None and sizes["app_size"] is None:
        raise UsageProblem("--app-download needs --app-size: the stores limit both.")
    return Request(
        subjects=subjects,
        options=Options(
            stores=tuple(dict.fromkeys((*options["stores"], *budgets.stores))),
            exact=options["exact"],
            delivery=options["delivery"],
            rest_size=sizes["app_size"],
            rest_download=sizes["app_download"],
        ),
        rules=load_rules(options["rules_file"]),
        today=dt.datetime.now(dt.UTC).date(),
        minimum_os=options["minimum_os"],
        invocation=options["invocation"],
        budgets=budgets,
        extra=tuple(_command_line_budgets(options)),
        baseline=options["baseline"],
        anchor=options["anchor"],
        strict=options["strict"],
    )


def _present(path: Path) -> Path | None:
    return path if path.is_file() else None


def _command_line_budgets(options: dict[str, Any]) -> list[Any]:
    from exporter.config.budgets import Budget, Growth
    from exporter.data.units import parse_percent, parse_size

    growth = None
    if options["max_growth"]:
        amounts: dict[str, Any] = {}
        for text in options["max_growth"]:
            key = "percent" if text.rstrip().endswith("%") else "bytes"
            if key in amounts:
                raise UsageProblem(f"--max-growth {text!r}: give one percentage and one size at most.")
            (parse_percent if key == "percent" else _growth_size)(text)
            amounts[key] = text
        growth = Growth.model_validate(amounts)
    limits = {"download": options["max_download"], "install": options["max_install"]}
    for text in filter(None, limits.values()):
        parse_size(text)
    return [
        Budget.model_validate({"metric": metric, "max": limit, "growth": growth})
        for metric, limit in limits.items()
        if limit or growth
    ]


def _growth_size(text: str) -> int:
    from exporter.data.units import parse_size

    try:
        return parse_size(text)
    except UsageProblem as error:
        raise UsageProblem(
            f"--max-growth {text!r}: write a percentage '1 %', or a size '100 kB' or '100 KiB'."
        ) from error
