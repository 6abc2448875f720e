//! What a proxy can do to a direction of a connection; one fault, one file.

mod bandwidth;
mod down;
mod duplicate;
mod latency;
mod limit_data;
mod noop;
mod packet_loss;
mod reorder;
mod reset_peer;
mod slicer;
mod slow_close;
mod timeout;

pub use bandwidth::Bandwidth;
pub use down::Down;
pub use duplicate::Duplicate;
pub use latency::Latency;
pub use limit_data::LimitData;
pub use noop::Noop;
pub use packet_loss::PacketLoss;
pub use reorder::Reorder;
pub use reset_peer::ResetPeer;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use timeout::Timeout;
