"""The commands that show a finding again, as every report prints them."""

from __future__ import annotations

from reports.records import Finding


def commands(finding: Finding) -> str:
    """Shell lines, from the run's directory."""
    here = f"findings/{finding.id}"
    lines = [f"veridiff replay {here} --kernel {finding.kernel}"]
    if finding.object is not None:
        lines.append(
            f"veridiff libbpf {here}/{finding.reproducers.get('object', 'object.o')} --kernel "
            f"{finding.kernel}"
        )
        return "\n".join(lines)
    if source := finding.reproducers.get("c"):
        lines += [
            "# or in a virtual machine of your own, as root:",
            f"gcc -static -o reproducer {here}/{source} && ./reproducer --yes-this-is-a-vm",
        ]
    return "\n".join(lines)
