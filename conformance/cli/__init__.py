"""The command line: one file per command, one group that ties them together and turns errors into exit
statuses.

Exit: 0 nothing new · 1 new disagreements · 2 usage and bad input · 3 infrastructure: not enough judged, no
kernel.
"""

from __future__ import annotations

import sys

import click

from conformance.campaign.versions import version
from conformance.cli.bench import bench
from conformance.cli.bisect import bisect_command
from conformance.cli.check import check_command
from conformance.cli.compare import compare
from conformance.cli.corpus import corpus
from conformance.cli.counts import counts
from conformance.cli.kernels import kernels
from conformance.cli.libbpf import libbpf
from conformance.cli.plugin import plugin
from conformance.cli.reach import reach
from conformance.cli.replay import replay
from conformance.cli.reporting import report
from conformance.cli.run import run
from conformance.cli.selftest import test
from conformance.cli.vm import vm
from ebpf.errors import InfrastructureError, InputError, VeridiffError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version(), prog_name="veridiff")
def cli() -> None:
    """Tell whether the Linux eBPF verifier is right.

    Generates eBPF programs, judges them with independent oracles, loads them into real kernels in virtual
    machines, and reports every disagreement.
    """


for command in (
    run,
    check_command,
    replay,
    bisect_command,
    kernels,
    report,
    reach,
    compare,
    counts,
    corpus,
    libbpf,
    vm,
    bench,
    test,
    plugin,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """The entry point: every error of the user's or the machine's is one line on standard error."""
    try:
        status = cli.main(arguments, prog_name="veridiff", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit("veridiff: interrupted")
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        where = context.command_path if context else "veridiff"
        print(f"{where}: {error.format_message().removesuffix('.')} (see {where} --help)", file=sys.stderr)
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except VeridiffError as error:
        print(f"veridiff: {error}", file=sys.stderr)
        sys.exit(3 if isinstance(error, InfrastructureError) and not isinstance(error, InputError) else 2)
    except BrokenPipeError:
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
