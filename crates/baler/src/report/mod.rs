//! Pictures of what was lost.
