//! What some requests say that no model looks at: times to live, and ranges of bytes.

/// The bytes of an object that a request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, from 0.
    pub first: u64,
    /// The last byte, which is read too.
    pub last: u64,
}

/// The times to live and ranges of a trace, by the index of the request that has them.
///
/// Beside the requests and not in them: most traces have none, and a request is what a replay
/// reads most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asides {
    // Invariant: indices rise.
    ttls_s: Vec<(u32, u32)>,
    ranges: Vec<(u32, ByteRange)>,
    kinds: AsideKinds,
}

/// Which asides a trace has. A part of a trace has those of the whole, even where none is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsideKinds {
    /// Some request said how long its object may be kept.
    pub ttls: bool,
    /// Some request read only a part of its object.
    pub ranges: bool,
}

impl Asides {
    /// Which there are.
    pub fn kinds(&self) -> AsideKinds {
        self.kinds
    }

    /// How long the object may be kept, in seconds, with the index of the request that says so.
    pub fn ttls_s(&self) -> &[(u32, u32)] {
        &self.ttls_s
    }

    /// The bytes that are read, with the index of the request that reads them.
    pub fn ranges(&self) -> &[(u32, ByteRange)] {
        &self.ranges
    }

    /// What the request at this index says of its time to live.
    pub(crate) fn ttl_s(&self, index: usize) -> Option<u32> {
        find(&self.ttls_s, index)
    }

    /// What the request at this index reads, if not all.
    pub(crate) fn range(&self, index: usize) -> Option<ByteRange> {
        find(&self.ranges, index)
    }

    /// Adds what the request at `index` says, which is not before any that said something.
    pub(crate) fn push_ttl(&mut self, index: usize, ttl_s: u32) {
        push(&mut self.ttls_s, index, ttl_s);
        self.kinds.ttls = true;
    }

    /// Adds what the request at `index` reads, which is not before any that said something.
    pub(crate) fn push_range(&mut self, index: usize, range: ByteRange) {
        push(&mut self.ranges, index, range);
        self.kinds.ranges = true;
    }

    /// Notes that the trace has these too, in requests that are not kept.
    pub(crate) fn add_kinds(&mut self, kinds: AsideKinds) {
        self.kinds.ttls |= kinds.ttls;
        self.kinds.ranges |= kinds.ranges;
    }

    /// Whether no request from `start` on says anything.
    pub(crate) fn is_empty_from(&self, start: usize) -> bool {
        let is_before = |index: Option<u32>| index.is_none_or(|it| (it as usize) < start);
        is_before(self.ttls_s.last().map(|it| it.0)) && is_before(self.ranges.last().map(|it| it.0))
    }

    /// Follows the requests to their new places: those that have none are dropped.
    pub(crate) fn moved(&mut self, new_index: impl Fn(u32) -> Option<u32>) {
        move_all(&mut self.ttls_s, &new_index);
        move_all(&mut self.ranges, &new_index);
    }
}

fn find<T: Copy>(of: &[(u32, T)], index: usize) -> Option<T> {
    let found = of.binary_search_by_key(&index, |(at, _)| *at as usize);
    found.ok().map(|place| of[place].1)
}

fn push<T>(to: &mut Vec<(u32, T)>, index: usize, value: T) {
    let index = u32::try_from(index).expect("fewer than 2^32 requests");
    // What is said again of one request counts.
    if to.last().is_some_and(|it| it.0 == index) {
        to.pop();
    }
    to.push((index, value));
}

fn move_all<T>(of: &mut Vec<(u32, T)>, new_index: &impl Fn(u32) -> Option<u32>) {
    of.retain_mut(|(index, _)| match new_index(*index) {
        Some(new) => {
            *index = new;
            true
        }
        None => false,
    });
    of.sort_unstable_by_key(|it| it.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asides_follow_their_requests() {
        let mut asides = Asides::default();
        let range = ByteRange { first: 3, last: 4 };
        asides.push_ttl(0, 60);
        asides.push_ttl(2, 70);
        asides.push_ttl(2, 80);
        asides.push_range(1, range);
        assert_eq!([0, 1, 2].map(|it| asides.ttl_s(it)), [Some(60), None, Some(80)]);
        assert!(!asides.is_empty_from(2));
        assert!(asides.is_empty_from(3));
        // The first goes to the end, the second goes away.
        asides.moved(|it| [Some(1), None, Some(0)][it as usize]);
        assert_eq!(asides.ttls_s(), [(0, 80), (1, 60)]);
        assert_eq!(asides.ranges(), []);
        assert_eq!(asides.kinds(), AsideKinds { ttls: true, ranges: true });
    }
}
