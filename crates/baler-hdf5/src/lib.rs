//! Baler as a filter of HDF5: a plugin that any program with HDF5 finds in `HDF5_PLUGIN_PATH`, and that links to no HDF5 of
//! its own. Each chunk of a dataset becomes an archive of one field.
//!
//! A plugin that links to nothing cannot ask a dataset for its type and shape, so that the filter's parameters tell
//! them; `baler.hdf5` in Python writes these.

mod filter;
mod models;
mod parameters;
mod plugin;
