//! Proxies whose holders are lost: the path is closed, and nothing of it is left behind.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use crate::support::rollback::crash_tests;

#[test]
fn a_proxy_and_its_faults_go_with_whoever_holds_them_and_so_does_its_socket_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("front");
    let body = format!(
        "local db = netfault.proxy {{ listen = \"unix:{}\", upstream = \"127.0.0.1:1\" }}\n\
         local slow = inject(db:latency {{ delay = \"10s\" }})\n\
         slow:update(db:latency {{ delay = \"20s\" }})",
        path.display()
    );
    crash_tests(&body, || {
        path.exists() || UnixStream::connect(&path).is_ok()
    });
}

#[test]
fn an_http_proxy_and_its_faults_go_with_whoever_holds_them() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let body = format!(
        "local web = netfault.http_proxy {{ listen = \"{address}\", upstream = \"http://127.0.0.1:1\" }}\n\
         local bad = inject(web:abort {{ status = 503 }})\n\
         bad:update(web:abort {{ status = 429 }})"
    );
    crash_tests(&body, || TcpStream::connect(address).is_ok());
}
