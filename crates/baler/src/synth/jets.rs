//! jets
