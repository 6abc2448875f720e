//! Load: what executors start and when, who does it, what thresholds make of it, what failing
//! servers look like.

mod counts;
mod failures;
mod false_green;
mod graceful;
mod identity;
mod rates;
mod start_after;
mod thresholds;
mod validation;
