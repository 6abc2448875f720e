//! The steps of rules that match: ends, addresses, interfaces, transports, marks.

use super::filter::Filter;
use super::nft::{Compare, Expression, Field, Hook};
use super::queue::{COPIED, NUMBER, RESENT};

/// An end of a conversation, seen from the target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Local,
    Remote,
}

/// The name of a set of one family's addresses; none for all addresses of both.
pub(super) type Addresses = Option<(bool, String)>;
/// Packets that a queue has sent once more have been through all that comes before it; of two queues
/// the newer one comes first.
pub(super) fn sent_again(hook: Hook, queue: Option<u32>) -> Vec<Expression> {
    let passed = queue.map_or(NUMBER, |number| number & NUMBER);
    let mut steps = vec![Expression::Load(Field::Mark)];
    let within = |from: u32, to: u32| {
        let bytes = |number: u32| number.to_be_bytes().to_vec();
        Expression::Within(bytes(from), bytes(to))
    };
    steps.push(match hook {
        Hook::Prerouting => within(COPIED, COPIED | passed),
        Hook::Output => within(RESENT, RESENT | passed),
    });
    steps
}

/// Copies for this host are made where they arrive, and only pass here on their way back there.
pub(super) fn copied() -> Vec<Expression> {
    let bytes = |number: u32| number.to_be_bytes().to_vec();
    vec![
        Expression::Load(Field::Mark),
        Expression::Within(bytes(COPIED), bytes(COPIED | NUMBER)),
    ]
}

/// Whether an end is the source of the packets that a hook sees.
pub(super) fn is_source(hook: Hook, end: End) -> bool {
    (hook == Hook::Output) == (end == End::Local)
}

pub(super) fn within(set: &str) -> Expression {
    Expression::In {
        set: set.to_owned(),
        absent: false,
    }
}

pub(super) fn transport(protocol: u8) -> Vec<Expression> {
    vec![
        Expression::Load(Field::Protocol),
        Expression::Compare(Compare::Equal, vec![protocol]),
    ]
}

pub(super) fn interface(hook: Hook, filter: &Filter) -> Vec<Expression> {
    let name = filter.interface.as_deref();
    name.map(|name| on_interface(hook, name))
        .unwrap_or_default()
}

pub(super) fn on_interface(hook: Hook, name: &str) -> Vec<Expression> {
    let mut padded = name.as_bytes().to_vec();
    padded.resize(16, 0);
    let field = match hook {
        Hook::Output => Field::OutputName,
        Hook::Prerouting => Field::InputName,
    };
    vec![
        Expression::Load(field),
        Expression::Compare(Compare::Equal, padded),
    ]
}

pub(super) fn address(hook: Hook, end: End, addresses: &Addresses) -> Vec<Expression> {
    let Some((v4, set)) = addresses else {
        return Vec::new();
    };
    let (family, source, destination, length) = match v4 {
        true => (2, 12, 16, 4),
        false => (10, 8, 24, 16),
    };
    let offset = if is_source(hook, end) {
        source
    } else {
        destination
    };
    vec![
        Expression::Load(Field::Family),
        Expression::Compare(Compare::Equal, vec![family]),
        Expression::Load(Field::Network { offset, length }),
        within(set),
    ]
}
