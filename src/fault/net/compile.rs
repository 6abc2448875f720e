//! From a filter and what is done to packets to the rules of one namespace.

use std::net::IpAddr;

use super::filter::{Direction, Filter, Network, Ports};
use super::nft::{Compare, Expression, Field, Hook, Kind, Ruleset, Set};
use super::owned::Owned;
use super::steps::{
    Addresses, End, address, copied, interface, is_source, on_interface, sent_again, transport,
    within,
};

/// What happens to the packets that match.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    /// Only to those of this transport; none for all that are left.
    pub(super) protocol: Option<u8>,
    /// The last steps of the rule.
    pub(super) steps: Vec<Expression>,
}

impl Arm {
    /// The same for all.
    pub(super) fn all(steps: Vec<Expression>) -> Vec<Self> {
        vec![Self {
            protocol: None,
            steps,
        }]
    }
}

/// A filter whose peers have become addresses.
#[derive(Debug, Clone)]
pub(super) struct Resolved<'a> {
    /// What was asked for.
    pub(super) filter: &'a Filter,
    /// Who is at the other end; none for all.
    pub(super) remote: Option<Vec<Network>>,
    /// The target's own addresses; none for all.
    pub(super) local: Option<Vec<Network>>,
    /// Who is left alone: what the script excepts, and the controller.
    pub(super) except: Vec<Network>,
    /// Whether only what ends here is meant, not what is passed on.
    pub(super) terminated: bool,
    /// For packet queues, the fault's number in the marks of packets that are sent once more.
    pub(super) queue: Option<u32>,
    /// Whether only packets to the one who is asked are meant, not the answers; then the direction is one.
    pub(super) queries: bool,
    /// Whether packets are only told where to go, which those that are sent once more must be told again.
    pub(super) steers: bool,
    /// What tells the target's packets from those of others in the same namespace; none where all are its.
    pub(super) owned: Option<Owned>,
}

/// TCP, UDP and SCTP have their ports in the same place.
const WITH_PORTS: [u8; 3] = [6, 17, 132];
const ICMPV6: u8 = 58;
/// Without these, IPv6 loses its neighbours, which no dropped packet of IPv4 does to ARP.
const NEIGHBOURS: (u8, u8) = (133, 136);
/// `RTN_LOCAL`.
const LOCAL: u32 = 2;

/// The rules of fault `number` for one namespace.
pub(super) fn compile(number: u32, resolved: &Resolved<'_>, arms: &[Arm]) -> Ruleset {
    let filter = resolved.filter;
    let mut writer = Writer {
        number,
        ruleset: Ruleset::early(),
    };
    // What is dropped need not be held first.
    writer.ruleset.priority += i32::from(resolved.queue.is_some());
    let hooks: &[Hook] = match filter.direction() {
        Direction::Egress => &[Hook::Output],
        Direction::Ingress => &[Hook::Prerouting],
        Direction::Both => &[Hook::Output, Hook::Prerouting],
    };
    let addresses = writer.addresses("remote", resolved.remote.as_deref());
    let own = writer.addresses("local", resolved.local.as_deref());
    let except = (!resolved.except.is_empty()).then_some(&*resolved.except);
    let except = writer.addresses("except", except);
    let views = writer.views(resolved);
    let owners = writer.owners(resolved.owned.as_ref());
    for hook in hooks {
        writer.passes(*hook, resolved, &except);
        for remote in &addresses {
            for local in own.iter().filter(|local| same_family(local, remote)) {
                for ports in &views {
                    for protocol in protocols(filter) {
                        let mut steps = interface(*hook, filter);
                        steps.extend(address(*hook, End::Remote, remote));
                        steps.extend(address(*hook, End::Local, local));
                        for owner in &owners {
                            let mut ports = ports.clone();
                            let mut steps = steps.clone();
                            steps.extend(owner.group.iter().flatten().cloned());
                            ports.extend(
                                owner.ports.iter().map(|(_, set)| (End::Local, set.clone())),
                            );
                            let of = owner.ports.as_ref().map(|(protocol, _)| *protocol);
                            if let Some(protocol) = both(protocol, of) {
                                writer.arms(*hook, &steps, &ports, protocol, arms);
                            }
                        }
                    }
                }
            }
        }
    }
    writer.ruleset
}

/// The names of sets of ports, each with the end that has the port.
type View = Vec<(End, String)>;

fn same_family(one: &Addresses, other: &Addresses) -> bool {
    match (one, other) {
        (Some((one, _)), Some((other, _))) => one == other,
        _ => true,
    }
}

fn protocols(filter: &Filter) -> Vec<Option<u8>> {
    let ports = !(filter.port.is_empty() && filter.source_port.is_empty());
    match filter.protocol {
        Some(protocol) => protocol.numbers().iter().copied().map(Some).collect(),
        None if ports => WITH_PORTS.into_iter().map(Some).collect(),
        None => vec![None],
    }
}

/// The transport that two conditions leave, `Some(None)` for all; none if they exclude each other.
#[expect(
    clippy::option_option,
    reason = "no transport at all and any transport are two things"
)]
fn both(one: Option<u8>, other: Option<u8>) -> Option<Option<u8>> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
        (one, other) => Some(one.or(other)),
    }
}

/// A way to know the packets of an owner.
#[derive(Default)]
struct Known {
    group: Option<Vec<Expression>>,
    /// A transport, and the name of the set of its ports at this end.
    ports: Option<(u8, String)>,
}

struct Writer {
    number: u32,
    ruleset: Ruleset,
}

impl Writer {
    fn set(&mut self, name: &str, kind: Kind, ranges: Vec<(Vec<u8>, Vec<u8>)>) -> String {
        let name = Ruleset::set_name(self.number, name);
        self.ruleset.sets.push(Set {
            name: name.clone(),
            kind,
            ranges,
        });
        name
    }

    /// A set for each family that has addresses.
    fn addresses(&mut self, name: &str, networks: Option<&[Network]>) -> Vec<Addresses> {
        let Some(networks) = networks else {
            return vec![None];
        };
        let mut found = Vec::new();
        for (v4, kind) in [(true, Kind::Ipv4), (false, Kind::Ipv6)] {
            let own = networks.iter().filter(|one| one.address.is_ipv4() == v4);
            let ranges: Vec<_> = own.map(Network::range).collect();
            if !ranges.is_empty() {
                let suffix = if v4 { "4" } else { "6" };
                found.push(Some((
                    v4,
                    self.set(&format!("{name}{suffix}"), kind, ranges),
                )));
            }
        }
        found
    }

    /// The ways to know the target's packets; one that knows all where nobody shares the namespace.
    fn owners(&mut self, owned: Option<&Owned>) -> Vec<Known> {
        match owned {
            None => vec![Known::default()],
            Some(Owned::Group { level, number }) => vec![Known {
                group: Some(vec![
                    Expression::Load(Field::ControlGroup { level: *level }),
                    Expression::Compare(Compare::Equal, number.to_ne_bytes().to_vec()),
                ]),
                ports: None,
            }],
            Some(Owned::Ports { tcp, udp }) => {
                let both = [(6, "tcp", tcp), (17, "udp", udp)];
                let known = both.into_iter().map(|(protocol, name, ports)| {
                    let range =
                        |port: &u16| (port.to_be_bytes().to_vec(), port.to_be_bytes().to_vec());
                    let ranges = ports.iter().map(range).collect();
                    let set = self.set(&format!("own-{name}"), Kind::Port, ranges);
                    Known {
                        group: None,
                        ports: Some((protocol, set)),
                    }
                });
                known.collect()
            }
        }
    }

    /// The ways in which ports may lie at the two ends: with neither `to` nor `from`, the service may be
    /// the target's or a peer's.
    fn views(&mut self, resolved: &Resolved<'_>) -> Vec<View> {
        let filter = resolved.filter;
        let range = |ports: &Ports| {
            let (first, last) = (ports.first.to_be_bytes(), ports.last.to_be_bytes());
            (first.to_vec(), last.to_vec())
        };
        let mut named = Vec::new();
        for (name, ports) in [("port", &filter.port), ("source", &filter.source_port)] {
            if !ports.is_empty() {
                let ranges = ports.iter().map(range).collect();
                named.push((name, self.set(name, Kind::Port, ranges)));
            }
        }
        if named.is_empty() {
            return vec![Vec::new()];
        }
        let view = |asked: End, asking: End| -> View {
            let end = |name: &str| if name == "port" { asked } else { asking };
            let ends = named.iter().map(|(name, set)| (end(name), set.clone()));
            ends.collect()
        };
        let peer_is_asked = view(End::Remote, End::Local);
        let target_is_asked = view(End::Local, End::Remote);
        if resolved.queries {
            return match filter.direction() {
                Direction::Ingress => vec![target_is_asked],
                Direction::Egress | Direction::Both => vec![peer_is_asked],
            };
        }
        match (filter.to.is_empty(), filter.from.is_empty()) {
            (false, _) => vec![peer_is_asked],
            (true, false) => vec![target_is_asked],
            (true, true) => vec![peer_is_asked, target_is_asked],
        }
    }

    /// Rules for what is left alone.
    fn passes(&mut self, hook: Hook, resolved: &Resolved<'_>, except: &[Addresses]) {
        let pass = |mut steps: Vec<Expression>| {
            steps.push(Expression::Accept);
            (hook, steps)
        };
        let rules = &mut self.ruleset.rules;
        if !resolved.filter.includes_loopback() {
            rules.push(pass(on_interface(hook, "lo")));
        }
        if !resolved.steers {
            rules.push(pass(sent_again(hook, resolved.queue)));
        }
        if hook == Hook::Output {
            rules.push(pass(copied()));
        }
        if resolved.terminated && hook == Hook::Prerouting {
            rules.push(pass(vec![
                Expression::Load(Field::DestinationType),
                Expression::Compare(Compare::Differ, LOCAL.to_ne_bytes().to_vec()),
            ]));
        }
        let mut neighbours = transport(ICMPV6);
        neighbours.push(Expression::Load(Field::Transport {
            offset: 0,
            length: 1,
        }));
        let (first, last) = NEIGHBOURS;
        neighbours.push(Expression::Within(vec![first], vec![last]));
        rules.push(pass(neighbours));
        for one in except.iter().filter(|one| one.is_some()) {
            rules.push(pass(address(hook, End::Remote, one)));
        }
    }

    fn arms(
        &mut self,
        hook: Hook,
        steps: &[Expression],
        ports: &View,
        only: Option<u8>,
        arms: &[Arm],
    ) {
        for arm in arms {
            let protocol = match (only, arm.protocol) {
                (Some(only), Some(arm)) if only != arm => continue,
                (Some(one), _) | (None, Some(one)) => Some(one),
                (None, None) => None,
            };
            let mut rule = steps.to_vec();
            rule.extend(protocol.map(transport).into_iter().flatten());
            for (end, set) in ports {
                let offset = if is_source(hook, *end) { 0 } else { 2 };
                rule.push(Expression::Load(Field::Transport { offset, length: 2 }));
                rule.push(within(set));
            }
            rule.extend(arm.steps.iter().cloned());
            self.ruleset.rules.push((hook, rule));
        }
    }
}

/// The controller's addresses as networks.
pub(super) fn exempt(addresses: &[IpAddr]) -> Vec<Network> {
    addresses.iter().copied().map(Network::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(filter: &Filter, remote: Option<Vec<Network>>) -> Vec<(Hook, Vec<Expression>)> {
        let resolved = Resolved {
            filter,
            remote,
            local: None,
            except: Vec::new(),
            terminated: false,
            queue: None,
            queries: false,
            steers: false,
            owned: None,
        };
        compile(1, &resolved, &Arm::all(vec![Expression::Drop])).rules
    }

    fn drops(rules: &[(Hook, Vec<Expression>)]) -> usize {
        let drops = |(_, steps): &&(Hook, Vec<Expression>)| steps.last() == Some(&Expression::Drop);
        rules.iter().filter(drops).count()
    }

    #[test]
    fn a_port_alone_is_sought_at_both_ends_for_each_transport() {
        let mut filter = Filter {
            port: vec!["5432".parse().unwrap()],
            ..Filter::default()
        };
        assert_eq!(drops(&rules(&filter, None)), 2 * 3);
        filter.direction = Some(Direction::Both);
        assert_eq!(drops(&rules(&filter, None)), 2 * 2 * 3);
        filter.to = vec!["10.0.0.1".parse().unwrap()];
        let remote = vec!["10.0.0.1".parse().unwrap(), "::2".parse().unwrap()];
        assert_eq!(drops(&rules(&filter, Some(remote))), 2 * 2 * 3);
    }

    #[test]
    fn without_a_filter_one_rule_hits_all_but_the_loopback_and_neighbours() {
        let all = rules(&Filter::default(), None);
        assert_eq!((all.len(), drops(&all)), (5, 1));
    }
}
