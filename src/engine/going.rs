//! How far a scenario is on its way to its end.

/// How far a scenario is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// Iterations begin as its profile says.
    On,
    /// None begins any more; those under way may end.
    Out,
    /// Those under way are interrupted.
    Away,
}
