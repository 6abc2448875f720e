//! Every fault on real sockets, with its effect measured.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::{dial, latency, pair, pass, pattern, through, toxic};
use crate::fault::proxy::kinds::{
    Bandwidth, Down, LimitData, PacketLoss, ResetPeer, Slicer, SlowClose, Timeout,
};
use crate::fault::proxy::{Fault, Stream, ToxicError};

#[test]
fn latency_comes_goes_and_changes_on_an_open_connection() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    let quick = Duration::from_millis(350);
    assert!(pass(&mut server, &mut client, b"x") < quick);
    proxy
        .add(toxic("lag", Stream::Downstream, latency(400)))
        .unwrap();
    let took = pass(&mut server, &mut client, b"x");
    assert!(
        took >= Duration::from_millis(400) && took < Duration::from_millis(790),
        "{took:?}"
    );
    assert!(pass(&mut client, &mut server, b"x") < quick);
    proxy.update("lag", 1.0, latency(800)).unwrap();
    let took = pass(&mut server, &mut client, b"x");
    assert!(
        took >= Duration::from_millis(800) && took < Duration::from_millis(1600),
        "{took:?}"
    );
    proxy.update("lag", 0.0, latency(800)).unwrap();
    assert!(pass(&mut server, &mut client, b"x") < quick);
    proxy.remove("lag").unwrap();
    assert_eq!(proxy.remove("lag"), Err(ToxicError::NotFound));
}

#[test]
fn what_latency_bandwidth_and_slicer_hold_is_flushed_in_order_when_they_go() {
    let slow = [
        latency(60_000),
        Fault::Bandwidth(Bandwidth {
            bytes_per_second: 0,
        }),
        Fault::Slicer(Slicer {
            average_size: 10,
            size_variation: 0,
            delay_us: 60_000_000,
        }),
    ];
    for fault in slow {
        let (proxy, listener) = through(vec![toxic("slow", Stream::Upstream, fault)]);
        let (mut client, mut server) = pair(&proxy, &listener);
        let sent = pattern(100_000);
        let (head, tail) = sent.split_at(60_000);
        client.write_all(head).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        client.write_all(tail).unwrap();
        let begin = Instant::now();
        proxy.remove("slow").unwrap();
        let mut read = vec![0; sent.len()];
        server.read_exact(&mut read).unwrap();
        assert!(read == sent, "{} changed the bytes", fault.kind());
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn bandwidth_keeps_its_rate() {
    let fault = Fault::Bandwidth(Bandwidth {
        bytes_per_second: 500_000,
    });
    let (proxy, listener) = through(vec![toxic("slow", Stream::Downstream, fault)]);
    let (mut client, mut server) = pair(&proxy, &listener);
    let took = pass(&mut server, &mut client, &pattern(250_000)).as_secs_f64();
    assert!((0.48..1.2).contains(&took), "{took}");
}

#[test]
fn slow_close_delays_the_end_and_not_the_bytes() {
    let fault = Fault::SlowClose(SlowClose { delay_us: 500_000 });
    let (proxy, listener) = through(vec![toxic("slow", Stream::Downstream, fault)]);
    let (mut client, mut server) = pair(&proxy, &listener);
    assert!(pass(&mut server, &mut client, b"x") < Duration::from_millis(450));
    let begin = Instant::now();
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert!(begin.elapsed() >= Duration::from_millis(500));
}

#[test]
fn timeout_swallows_then_closes_and_so_does_its_removal() {
    let fault = |ms: i64| {
        Fault::Timeout(Timeout {
            timeout_us: ms * 1000,
        })
    };
    let (proxy, listener) = through(vec![toxic("gone", Stream::Upstream, fault(150))]);
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"swallowed").unwrap();
    let begin = Instant::now();
    assert_eq!(server.read(&mut [0; 9]).unwrap(), 0);
    assert!(
        begin.elapsed() >= Duration::from_millis(140),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(client.read(&mut [0]).unwrap(), 0);

    proxy.update("gone", 1.0, fault(0)).unwrap();
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"swallowed").unwrap();
    server
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let silent = server.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(
        silent,
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    proxy.remove("gone").unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn reset_peer_resets_both_sides_also_when_they_were_open_before() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    let fault = Fault::ResetPeer(ResetPeer { timeout_us: 0 });
    proxy.add(toxic("rst", Stream::Upstream, fault)).unwrap();
    client.write_all(b"x").unwrap();
    assert_eq!(
        client.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        server.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let status = &proxy.faults()[0];
    assert_eq!((status.connections, status.drawn, status.hit), (1, 1, 1));
}

#[test]
fn reset_peer_without_toxicity_leaves_an_orderly_end() {
    let fault = Fault::ResetPeer(ResetPeer { timeout_us: 0 });
    let mut miss = toxic("rst", Stream::Downstream, fault);
    miss.toxicity = 0.0;
    let (proxy, listener) = through(vec![miss]);
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn slicer_and_limit_data_cut_what_they_should() {
    let slicer = Fault::Slicer(Slicer {
        average_size: 100,
        size_variation: 0,
        delay_us: 400_000,
    });
    let limit = Fault::LimitData(LimitData { bytes: 250 });
    let (proxy, listener) = through(vec![
        toxic("cut", Stream::Downstream, slicer),
        toxic("limit", Stream::Downstream, limit),
    ]);
    let (mut client, mut server) = pair(&proxy, &listener);
    let sent = pattern(1000);
    server.write_all(&sent).unwrap();
    let mut buffer = [0; 1000];
    assert_eq!(client.read(&mut buffer).unwrap(), 100);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, &sent[100..250]);
}

#[test]
fn packet_loss_takes_all_or_nothing_at_its_ends() {
    let loss = |loss_rate| {
        Fault::PacketLoss(PacketLoss {
            loss_rate,
            correlation: 0.0,
        })
    };
    let (proxy, listener) = through(vec![toxic("loss", Stream::Upstream, loss(1.0))]);
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"lost").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    proxy.update("loss", 1.0, loss(0.0)).unwrap();
    pass(&mut client, &mut server, b"kept");
}

#[test]
fn down_cuts_open_and_new_connections() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    proxy
        .add(toxic("down", Stream::Downstream, Fault::Down(Down)))
        .unwrap();
    assert!(client.read(&mut [0]).is_err());
    assert!(dial(&proxy).read(&mut [0]).is_err());
    proxy.clear();
    listener.accept().unwrap();
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
}
