"""The VCF reader and writer, file by file, and against a public corpus."""
