"""What every layer needs and is no numerics: errors, plain records, files, tables, interrupts."""
