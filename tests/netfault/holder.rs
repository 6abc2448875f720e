//! Whoever holds a fault on packets dies: the kernel ends it.

use std::time::Duration;

use rchaos::fault::net::namespace::Place;
use rchaos::fault::net::nft::{Expression, Hook, Ruleset, Table, remove_table, tables};

use super::hosts::{Hosts, udp};

fn drop_all() -> Ruleset {
    let mut ruleset = Ruleset::early();
    let drop = vec![Expression::Count, Expression::Drop];
    ruleset.rules.push((Hook::Output, drop));
    ruleset
}

#[test]
fn a_table_goes_with_its_socket_and_is_nobody_elses() {
    let Some(hosts) = Hosts::make("table") else {
        return;
    };
    let place = Place::Named(hosts.names[0].clone());
    let name = "rchaos-held";
    let table = place.enter(|| Table::create(name).unwrap()).unwrap();
    let lease = Duration::from_secs(60);
    table.install(1, &drop_all(), lease).unwrap();
    assert!(!hosts.udp(0, hosts.address(1), 7));
    place
        .enter(|| {
            assert!(tables().unwrap().contains(&name.to_owned()));
            if table.is_owned() {
                let refused = remove_table(name).unwrap_err();
                assert_eq!(refused.errno(), Some(rustix::io::Errno::PERM), "{refused}");
                assert!(Table::create(name).is_err());
            }
        })
        .unwrap();
    drop(table);
    assert!(hosts.udp(0, hosts.address(1), 7));
    assert!(
        !place
            .enter(tables)
            .unwrap()
            .unwrap()
            .contains(&name.to_owned())
    );
    assert!(udp(hosts.address(0), 7));
}

#[test]
fn errors_say_what_was_asked_and_what_the_kernel_said() {
    let Some(hosts) = Hosts::make("errors") else {
        return;
    };
    let text = hosts.inside(0, || {
        let table = Table::create("rchaos-errors").unwrap();
        let mut wrong = drop_all();
        let set = "nowhere".to_owned();
        let step = Expression::In { set, absent: false };
        wrong.rules[0].1.insert(0, step);
        let error = table
            .install(1, &wrong, Duration::from_secs(1))
            .unwrap_err();
        // Nothing of the batch has happened.
        assert_eq!(table.chains(1, &wrong).unwrap(), 0);
        error.to_string()
    });
    assert!(
        text.starts_with("could not add a rule to 1-out: no such file"),
        "{text}"
    );
}
