//! Whose links a transfer crosses, and what happens when it is over.

use des::Agenda;
use units::{NodeId, Time};

use super::{Event, InfiniCache};
use crate::faas::HostId;
use crate::network::{FlowId, LinkId, Network};

/// What a transfer is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moved {
    /// The order in front of this function's queue.
    Order(NodeId),
    /// The backup of this function.
    Sync(NodeId),
}

/// A link in both directions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duplex {
    pub(super) inward: LinkId,
    pub(super) outward: LinkId,
}

impl Duplex {
    /// No link of its own.
    const NONE: Duplex = Duplex { inward: LinkId::NONE, outward: LinkId::NONE };

    pub(super) fn new(network: &mut Network<Moved>, bytes_per_nano: f64) -> Duplex {
        let inward = network.add_link(bytes_per_nano);
        Duplex { inward, outward: network.add_link(bytes_per_nano) }
    }
}

impl InfiniCache<'_> {
    /// The link of the client that makes a request.
    pub(super) fn client_of(&self, number: u32) -> Duplex {
        match u32::try_from(self.clients.len()) {
            Ok(n_clients @ 1..) => self.clients[(number % n_clients) as usize],
            _ => Duplex::NONE,
        }
    }

    /// Puts the network's alarms on the agenda.
    pub(super) fn set_alarms(&mut self, agenda: &mut Agenda<Event>) {
        for alarm in self.network.alarms.drain(..) {
            agenda.at(alarm.at, Event::Alarm(alarm.flow));
        }
    }

    /// A transfer may be over.
    pub(super) fn alarm(&mut self, now: Time, flow: FlowId, agenda: &mut Agenda<Event>) {
        match self.network.over(now, flow) {
            None => {}
            Some(Moved::Order(node)) => {
                agenda.after(self.config.function.round_trip, Event::Served(node));
            }
            Some(Moved::Sync(node)) => self.synced(now, node, agenda),
        }
        self.set_alarms(agenda);
    }

    /// The links of a host, which are made when something first crosses them.
    pub(super) fn host_links(&mut self, host: HostId) -> Duplex {
        let rate = self.config.network.host.bytes_per_nano();
        while self.hosts.len() <= host as usize {
            self.hosts.push(Duplex::new(&mut self.network, rate));
        }
        self.hosts[host as usize]
    }
}
