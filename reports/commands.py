"""The commands that show a finding again, as every report prints them."""

from __future__ import annotations

from shlex import join, quote

from reports.records import Finding, Provenance

IN_A_TREE = (
    'git bisect run sh -c \'make -j"$(nproc)" bzImage || exit 125; '
    'exec veridiff vm --kernel arch/x86/boot/bzImage -- "$0" --yes-this-is-a-vm\' {program}'
)
"""In a kernel tree: a commit that does not build or boot is skipped."""


def commands(finding: Finding) -> str:
    """Shell lines, from the finding's directory."""
    kernel = [
        "--kernel",
        finding.kernel,
        *(word for each in finding.boot_args for word in ("--boot-arg", each)),
    ]
    commit = f" ({finding.provenance.git.removesuffix('+')})" if finding.provenance.git else ""
    lines = [f"# In the directory of this page, with a checkout of veridiff{commit} in PATH."]
    if source := finding.reproducers.get("c"):
        lines += [
            "# On a kernel of yours: exits 0 on a right one, 1 on a wrong one, 125 where it cannot tell.",
            f"gcc -static -o reproducer {quote(source)}",
            "veridiff vm --kernel arch/x86/boot/bzImage -- ./reproducer --yes-this-is-a-vm",
            "# On the one that it was found on:",
            f"veridiff vm {join(kernel)} -- ./reproducer --yes-this-is-a-vm",
        ]
    lines += [
        "# The finding itself, by all oracles; and on another kernel: a path, or debian:7.3.",
        "veridiff replay .",
        "veridiff replay . --kernel arch/x86/boot/bzImage",
    ]
    if finding.object is not None:
        file = quote(finding.reproducers.get("object", "object.o"))
        return "\n".join([*lines, f"veridiff libbpf {file} {join(kernel)}"])
    if patch := finding.reproducers.get("patch"):
        lines += ["# In a kernel tree, a selftest:", f"git am DIRECTORY-OF-THIS-PAGE/{quote(patch)}"]
    if source:
        lines += [
            "# In a kernel tree, between a good and a bad commit:",
            IN_A_TREE.format(program="DIRECTORY-OF-THIS-PAGE/reproducer"),
        ]
    return "\n".join(lines)


def found_by(provenance: Provenance) -> str:
    """The command that draws the same programs again, with the seed that it had."""
    seeded = provenance.seed is None or "--seed" in provenance.command.split()
    return (
        provenance.command
        if seeded or not provenance.command
        else f"{provenance.command} --seed {provenance.seed}"
    )
