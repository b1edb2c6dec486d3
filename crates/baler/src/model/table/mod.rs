//! A model of tables: for each column an alphabet and a tiny integer network that gives the distribution of the next
//! symbol (format.md, sections 6 and 9).
//!
//! The networks are mixture density networks (Bishop, 1994) over the normal scores of a column's integers, given the
//! columns before it in the model; columns are in an order in which each looks only at those before it.

pub mod alphabet;
mod compact;
pub mod file;
pub mod net;

pub use compact::LAYOUT;

use crate::error::{Error, Result};
use alphabet::Alphabet;
use net::Net;

/// Columns of a model at most.
pub const MOST_COLUMNS: usize = 4096;

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnModel {
    /// Its name in the tables that the model serves.
    pub name: String,
    /// Its symbols.
    pub alphabet: Alphabet,
    /// Its network; one without is only looked at by others.
    pub net: Option<Net>,
}

/// All columns, in the order in which they may look at each other.
#[derive(Debug, Clone, PartialEq)]
pub struct TableModel {
    columns: Vec<ColumnModel>,
}

impl TableModel {
    /// A model of columns whose networks were made for this order of alphabets ([`Net::new`]).
    pub fn new(columns: Vec<ColumnModel>) -> Result<TableModel> {
        if columns.is_empty() || columns.len() > MOST_COLUMNS {
            return Err(Error::corrupt(format!("a model of {} columns", columns.len())));
        }
        let mut names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|w| w[0] == w[1]) {
            Some(twice) => Err(Error::corrupt(format!("two columns '{}' in a model", twice[0]))),
            None => Ok(TableModel { columns }),
        }
    }

    /// The columns.
    pub fn columns(&self) -> &[ColumnModel] {
        &self.columns
    }
}
