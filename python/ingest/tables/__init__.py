"""Columns of files by name, local or remote: ROOT, Parquet and HDF5."""
