//! `netfault.impair`: several impairments of the same packets at once.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::queue::Impairment;
use super::shaped::{Shaped, kind};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Impair {
    /// Whose packets.
    pub target: Target,
    /// What they suffer.
    pub impairment: Impairment,
    /// Which of them.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = kind("netfault.impair", |spec, context| {
    let options: Impair = spec.read()?;
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect: "packets are impaired".to_owned(),
        impairment: options.impairment,
    };
    Ok(shaped.boxed(context, "impaired"))
});
