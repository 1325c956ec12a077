"""The commands that show a finding again, as every report prints them."""

from __future__ import annotations

from shlex import join, quote

from reports.records import Finding

IN_A_TREE = (
    'git bisect run sh -c \'make -j"$(nproc)" bzImage || exit 125; '
    'exec veridiff vm --kernel arch/x86/boot/bzImage -- "$0" --yes-this-is-a-vm\' {program}'
)
"""In a kernel tree: a commit that does not build or boot is skipped."""


def commands(finding: Finding) -> str:
    """Shell lines, from the run's directory."""
    here = f"findings/{finding.id}"
    kernel = [
        "--kernel",
        finding.kernel,
        *(word for each in finding.boot_args for word in ("--boot-arg", each)),
    ]
    commit = f" ({finding.provenance.git.removesuffix('+')})" if finding.provenance.git else ""
    lines = [
        f"# In this run's directory; veridiff is the command of that name in a checkout{commit}.",
        f"veridiff replay {here}",
        f"veridiff replay {here} --kernel arch/x86/boot/bzImage  # another kernel: a path, or debian:7.3",
    ]
    if finding.object is not None:
        file = quote(f"{here}/{finding.reproducers.get('object', 'object.o')}")
        return "\n".join([*lines, f"veridiff libbpf {file} {join(kernel)}"])
    if source := finding.reproducers.get("c"):
        lines += [
            "# Without our oracles: exits 0 on a right kernel, 1 on a wrong one, 125 where it cannot tell.",
            *([f"# The machine: {machine}"] if (machine := finding.provenance.machine) else ()),
            f"{finding.provenance.compiler or 'gcc'} -static -o reproducer {quote(f'{here}/{source}')}",
            f"veridiff vm {join(kernel)} -- ./reproducer --yes-this-is-a-vm",
            "# In a kernel tree, between a good and a bad commit:",
            IN_A_TREE.format(program="PATH-OF-THIS-DIRECTORY/reproducer"),
        ]
    return "\n".join(lines)
