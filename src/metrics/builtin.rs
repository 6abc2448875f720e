//! The metrics every run has, with constant ids; names are k6's wherever k6 has one.

use super::catalog::MetricId;
use super::definition::{Kind, Unit};

/// A metric that exists before any script.
#[derive(Debug)]
pub struct Builtin {
    /// Its id in every catalog.
    pub id: MetricId,
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// What it means, in one line.
    pub help: &'static str,
}

macro_rules! builtins {
    ($($number:literal $id:ident $name:literal $kind:ident $unit:ident $help:literal;)*) => {
        $(#[doc = concat!("`", $name, "`: ", $help, ".")]
        pub const $id: MetricId = MetricId($number);)*

        /// All of them; the place in the list is the number of the id.
        pub static ALL: &[Builtin] = &[$(Builtin {
            id: $id, name: $name, kind: Kind::$kind, unit: Unit::$unit, help: $help,
        }),*];
    };
}

builtins! {
    0 VUS "vus" Gauge None "virtual users that are running an iteration loop";
    1 VUS_MAX "vus_max" Gauge None "virtual users that are allocated";
    2 ITERATIONS "iterations" Counter None "iterations that ended";
    3 DROPPED_ITERATIONS "dropped_iterations" Counter None "iterations that no free virtual user could start";
    4 ITERATION_ERRORS "iteration_errors" Counter None "iterations that ended with an error";
    5 ITERATION_DURATION "iteration_duration" Trend Time "time from start to end of an iteration";
    6 ITERATION_LAG "iteration_lag" Trend Time "time by which an iteration started late";
    7 CHECKS "checks" Rate None "share of checks that held";
    8 GROUP_DURATION "group_duration" Trend Time "time from start to end of a group";
    9 DATA_SENT "data_sent" Counter Bytes "bytes written to the network";
    10 DATA_RECEIVED "data_received" Counter Bytes "bytes read from the network";
    11 HTTP_REQS "http_reqs" Counter None "HTTP requests made";
    12 HTTP_REQ_FAILED "http_req_failed" Rate None "share of HTTP requests that failed";
    13 HTTP_RECONNECTS "http_reconnects" Counter None "requests that found their idle connection closed";
    14 HTTP_REQ_DURATION "http_req_duration" Trend Time "sending, waiting and receiving";
    15 HTTP_REQ_TOTAL "http_req_total" Trend Time "the whole request, connecting included";
    16 HTTP_REQ_BLOCKED "http_req_blocked" Trend Time "waiting for a free connection";
    17 HTTP_REQ_DNS "http_req_dns" Trend Time "looking up the name";
    18 HTTP_REQ_CONNECTING "http_req_connecting" Trend Time "opening the TCP connection";
    19 HTTP_REQ_TLS_HANDSHAKING "http_req_tls_handshaking" Trend Time "agreeing on TLS";
    20 HTTP_REQ_SENDING "http_req_sending" Trend Time "writing the request";
    21 HTTP_REQ_WAITING "http_req_waiting" Trend Time "from the request written to the first byte back";
    22 HTTP_REQ_RECEIVING "http_req_receiving" Trend Time "reading the response";
    23 WORKER_STALL "worker_stall" Trend Time "time a load worker kept its virtual users waiting";
    24 FAULTS_ACTIVE "faults_active" Gauge None "faults in force";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_its_place_in_the_list() {
        for (place, builtin) in ALL.iter().enumerate() {
            assert_eq!(builtin.id.0 as usize, place, "{}", builtin.name);
            assert!(!builtin.help.is_empty());
        }
        assert_eq!(ALL[HTTP_REQ_WAITING.0 as usize].name, "http_req_waiting");
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|b| b.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
