//! Pictures of what was lost and of how a model was trained, as SVG, PNG, PDF, APNG and GIF.
//!
//! A picture is a [`Page`] of shapes, texts and images; a [`Figure`] is pages that belong together. The functions here
//! make them, and know nothing of files; [`Figure::to_bytes`] draws them in any [`Format`].
//!
//! | | |
//! |---|---|
//! | [`loss`] | a training, epoch by epoch |
//! | [`residual_boxes`] | the residuals of all columns, side by side |
//! | [`column_page`] | one column: histograms before and after, response, residual |
//! | [`comparison`] | the boxes, then a page a column |
//! | [`frames`] | a frame before and after, and the difference |
//! | [`activations`] | what the nodes of a network answer on average |

mod activations;
mod animation;
mod axis;
mod bins;
mod boxes;
mod colour;
mod column;
mod figure;
mod font;
mod frames;
mod loss;
mod numbers;
mod page;
mod pair;
mod pdf;
mod plot;
mod raster;
mod shade;
mod svg;
#[cfg(test)]
mod tests;

pub use activations::activations;
pub use animation::animate;
pub use boxes::residual_boxes;
pub use column::{column_page, comparison};
pub use figure::{Figure, Format};
pub use frames::{Frame, Scales, frames, worst_frame};
pub use loss::loss;
pub use numbers::number;
pub use page::Page;
pub use pair::{Pair, pairs};
