"""Objects: ELF files as loaders see them: opened, read beside libbpf, told in words, attached
and triggered."""
