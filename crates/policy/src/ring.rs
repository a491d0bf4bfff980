//! The consistent-hash ring by which a client finds the proxy of a key.

use twox_hash::XxHash64;

/// A consistent-hash ring with bounded loads over the addresses of the proxies.
///
/// As the client library of InfiniCache has it: 271 partitions, 20 virtual nodes a member,
/// and no member with more than 1.25 times its fair share of the partitions.
#[derive(Clone, Debug)]
pub struct Ring {
    /// The member that owns each partition.
    owners: Vec<u16>,
}

/// How many parts the key space is cut into.
const N_PARTITIONS: u64 = 271;
/// How often each member stands on the ring.
const N_VIRTUAL_NODES: u32 = 20;

impl Ring {
    /// The ring over these members, each named by its address.
    ///
    /// # Panics
    ///
    /// Panics without members, or with more members than partitions.
    pub fn new(members: &[&str]) -> Ring {
        assert!(!members.is_empty(), "a ring has a member");
        assert!(members.len() as u64 <= N_PARTITIONS, "no member without a partition");
        let points = virtual_nodes(members);
        let fair = N_PARTITIONS / members.len() as u64;
        // ceil(1.25 x fair), in integers.
        let n_owned_max = (fair * 5).div_ceil(4);
        let mut n_owned = vec![0; members.len()];
        let owners = (0..N_PARTITIONS)
            .map(|partition| {
                let hash = XxHash64::oneshot(0, &partition.to_le_bytes());
                let first = points.partition_point(|(point, _)| *point < hash);
                let owner = (0..points.len())
                    .map(|step| points[(first + step) % points.len()].1)
                    .find(|owner| n_owned[usize::from(*owner)] < n_owned_max)
                    .expect("the loads together exceed the partitions");
                n_owned[usize::from(owner)] += 1;
                owner
            })
            .collect();
        Ring { owners }
    }

    /// The most members a ring can have.
    pub const N_MEMBERS_MAX: u32 = 271;

    /// The hash by which a key is placed.
    pub fn hash(key: &[u8]) -> u64 {
        XxHash64::oneshot(0, key)
    }

    /// The partition of a key with this [`Ring::hash`].
    pub const fn partition(key_hash: u64) -> u64 {
        key_hash % N_PARTITIONS
    }

    /// The member, by its place in the list given to [`Ring::new`], that owns the key.
    pub fn owner(&self, key_hash: u64) -> usize {
        let partition = Ring::partition(key_hash);
        usize::from(self.owners[usize::try_from(partition).expect("below 271")])
    }
}

/// The points of all members on the ring, in order.
fn virtual_nodes(members: &[&str]) -> Vec<(u64, u16)> {
    let mut points: Vec<(u64, u16)> = (0_u16..)
        .zip(members)
        .flat_map(|(index, member)| {
            (0..N_VIRTUAL_NODES)
                .map(move |it| (XxHash64::oneshot(0, format!("{member}{it}").as_bytes()), index))
        })
        .collect();
    points.sort_unstable();
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference client's ring: key, hash of the key, partition, owner.
    #[track_caller]
    fn check(members: &[&str], golden: &str) {
        let ring = Ring::new(members);
        assert_eq!(golden.lines().count(), 1000);
        for line in golden.lines() {
            let [key, hash, partition, owner] = line.split(',').collect::<Vec<_>>()[..] else {
                panic!("a golden line has four columns: {line}");
            };
            let key_hash = Ring::hash(key.as_bytes());
            assert_eq!(format!("{key_hash:016x}"), hash, "{key}");
            assert_eq!(Ring::partition(key_hash).to_string(), partition, "{key}");
            assert_eq!(ring.owner(key_hash).to_string(), owner, "{key}");
        }
    }

    #[test]
    fn the_ring_is_the_reference_clients() {
        check(&["0", "1", "2"], include_str!("../golden/ring_3.csv"));
        check(&["0", "1", "2", "3", "4"], include_str!("../golden/ring_5.csv"));
    }

    #[test]
    fn one_member_owns_everything() {
        let ring = Ring::new(&["alone"]);
        assert!((0..1000).all(|hash| ring.owner(hash) == 0));
    }

    #[test]
    fn every_member_has_its_share() {
        let names: Vec<String> = (0..Ring::N_MEMBERS_MAX).map(|it| it.to_string()).collect();
        let members: Vec<&str> = names.iter().map(String::as_str).collect();
        for n_members in [1, 2, 7, 50, 271] {
            let ring = Ring::new(&members[..n_members]);
            let owned = |member| (0..N_PARTITIONS).filter(|it| ring.owner(*it) == member).count();
            let n_owned_max = (0..n_members).map(owned).max().unwrap();
            assert!(n_owned_max <= (271 / n_members * 5).div_ceil(4), "{n_members} members");
        }
    }
}
