//! `nf_tables`, spoken directly: a table that dies with its socket, rules that die with a lease.
//!
//! ```text
//! expression  one step of a rule, and how it is written
//! ruleset     the chains, rules and sets of one fault
//! set         elements, single or ranges, some with an end
//! table       the table of this process in one network namespace
//! wire        the kernel's numbers
//! ```

mod expression;
mod ruleset;
mod set;
mod table;
mod wire;

pub use expression::{Compare, Expression, Field, Refusal};
pub use ruleset::{EARLY, Hook, Ruleset};
pub use set::{Kind, Set};
pub use table::{Count, LIVE, LeaseError, Table, remove_table, tables};
