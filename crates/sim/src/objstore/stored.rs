//! What an object store keeps, hour by hour: the stretches in which each object is there.

use units::{Bytes, Nanos, Op, Request, Time};

use crate::record::n_hours;

/// A stretch of an object's life in the store.
#[derive(Clone, Copy)]
enum Stretch {
    /// Nothing was asked of the object yet.
    Unseen,
    /// It was deleted.
    None,
    /// It was written with this size.
    Written { from: Time, size: Bytes },
    /// It was only ever read: someone wrote it unseen, and no read was of more than this.
    Read { from: Time, size: Bytes },
}

/// What the store keeps in each hour of `span` times how long, in byte-nanoseconds.
///
/// A stretch begins with the trace where the first that is asked of an object is a GET, at a PUT,
/// and at a GET after a DELETE; it ends at the next PUT, at a DELETE, or with the span. Its size
/// is the PUT's, and else that of its largest GET.
///
/// `requests` are in order of time and of objects below `n_objects`.
pub(crate) fn stored_byte_ns(requests: &[Request], n_objects: usize, span: Nanos) -> Vec<u128> {
    let mut hours = Hours::new(span);
    // By object.
    let mut stretches = vec![Stretch::Unseen; n_objects];
    for Request { at, size, object, op } in requests.iter().copied() {
        let stretch = &mut stretches[object.index()];
        *stretch = match (op, *stretch) {
            (Op::Get, Stretch::Unseen) => Stretch::Read { from: Time::START, size },
            (Op::Get, Stretch::None) => Stretch::Read { from: at, size },
            (Op::Get, Stretch::Read { from, size: largest }) => {
                Stretch::Read { from, size: largest.max(size) }
            }
            (Op::Get, written @ Stretch::Written { .. }) => written,
            (Op::Put, before) => {
                hours.add(before, at);
                Stretch::Written { from: at, size }
            }
            (Op::Delete, before) => {
                hours.add(before, at);
                Stretch::None
            }
        };
    }
    for stretch in stretches {
        hours.add(stretch, Time::START + span);
    }
    hours.finish()
}

/// Stretches by the hour.
struct Hours {
    ends_at: Time,
    /// Byte-nanoseconds of the hours in which a stretch begins or ends.
    partly: Vec<u128>,
    /// By how many bytes more, or fewer, are there throughout an hour than throughout the one
    /// before: a stretch of any length is noted in a few steps.
    change: Vec<i128>,
}

impl Hours {
    fn new(span: Nanos) -> Hours {
        let n_hours = n_hours(span);
        let (partly, change) = (vec![0; n_hours], vec![0; n_hours + 1]);
        Hours { ends_at: Time::START + span, partly, change }
    }

    /// Adds a stretch that ends at `to`.
    fn add(&mut self, stretch: Stretch, to: Time) {
        let (Stretch::Written { from, size } | Stretch::Read { from, size }) = stretch else {
            return;
        };
        let (from, to) = (from.min(self.ends_at), to.min(self.ends_at));
        let hour = |it: Time| usize::try_from(it.index(Nanos::HOUR)).expect("within the span");
        let (first, last) = (hour(from), hour(to));
        let for_ns = |length: Nanos| u128::from(size.get()) * u128::from(length.get());
        if first == last {
            self.note(first, for_ns(to.since(from)));
            return;
        }
        let starts_at = |hour: usize| Time::START + Nanos::HOUR * (hour as u64);
        self.note(first, for_ns(starts_at(first + 1).since(from)));
        self.note(last, for_ns(to.since(starts_at(last))));
        self.change[first + 1] += i128::from(size.get());
        self.change[last] -= i128::from(size.get());
    }

    /// A span of whole hours ends where one begins that is not among them; none of it is there.
    fn note(&mut self, hour: usize, byte_ns: u128) {
        if let Some(noted) = self.partly.get_mut(hour) {
            *noted += byte_ns;
        }
    }

    fn finish(self) -> Vec<u128> {
        let mut throughout = 0;
        let mut hours = self.partly;
        for (hour, change) in hours.iter_mut().zip(self.change) {
            throughout += change;
            let bytes = u128::try_from(throughout).expect("no stretch ends before it begins");
            *hour += bytes * u128::from(Nanos::HOUR.get());
        }
        hours
    }
}

#[cfg(test)]
mod tests {
    use units::ObjectId;

    use super::*;

    const GET: Op = Op::Get;
    const PUT: Op = Op::Put;
    const DELETE: Op = Op::Delete;

    /// Requests as minute, object, bytes and operation; what is expected in byte-minutes.
    #[track_caller]
    fn check(minutes: u64, requests: &[(u64, u32, u64, Op)], expect: &[u128]) {
        let request = |&(minute, object, bytes, op)| Request {
            at: Time::START + Nanos::MINUTE * minute,
            size: Bytes::new(bytes),
            object: ObjectId(object),
            op,
        };
        let requests: Vec<Request> = requests.iter().map(request).collect();
        let found = stored_byte_ns(&requests, 3, Nanos::MINUTE * minutes);
        let minute = u128::from(Nanos::MINUTE.get());
        assert!(found.iter().all(|it| it % minute == 0), "{found:?}");
        assert_eq!(found.iter().map(|it| it / minute).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn what_is_only_read_was_there_from_the_start_at_its_largest() {
        check(150, &[(100, 0, 2, GET), (110, 1, 5, GET), (120, 0, 3, GET)], &[480, 480, 240]);
        check(120, &[(100, 0, 2, GET)], &[120, 120]);
        check(0, &[(0, 0, 2, GET)], &[0]);
        check(60, &[], &[0]);
    }

    #[test]
    fn what_is_written_is_there_from_then_on_at_that_size() {
        check(150, &[(30, 0, 2, PUT), (100, 0, 9, GET)], &[60, 120, 60]);
        check(150, &[(30, 0, 2, PUT), (40, 0, 1, PUT)], &[20 + 20, 60, 30]);
        check(60, &[(60, 0, 2, PUT)], &[0]);
        // It was there before, if someone read it.
        check(120, &[(10, 0, 4, GET), (90, 0, 1, PUT)], &[240, 120 + 30]);
    }

    #[test]
    fn what_is_deleted_is_there_no_longer() {
        check(180, &[(30, 0, 2, PUT), (100, 0, 0, DELETE)], &[60, 80, 0]);
        check(180, &[(70, 0, 2, GET), (120, 0, 0, DELETE)], &[120, 120, 0]);
        check(180, &[(70, 0, 0, DELETE), (80, 0, 0, DELETE)], &[0, 0, 0]);
    }

    #[test]
    fn what_is_read_after_all_was_written_unseen() {
        let deleted = (10, 0, 0, DELETE);
        check(180, &[(5, 0, 7, PUT), deleted, (90, 0, 2, GET)], &[35, 60, 120]);
        check(180, &[deleted, (90, 0, 2, GET), (120, 0, 3, GET)], &[0, 90, 180]);
        check(180, &[deleted, (90, 0, 2, GET), (100, 0, 1, PUT)], &[0, 20 + 20, 60]);
    }

    #[test]
    fn objects_that_follow_one_another_take_the_room_of_one() {
        let hourly =
            |hour: u64| {
                let object = u32::try_from(hour % 3).unwrap();
                [(60 * hour, object, 8, PUT), (60 * hour + 5, object, 8, GET)]
                    .into_iter()
                    .chain([(60 * hour + 10, object, 0, DELETE)])
            };
        let requests: Vec<_> = (0..24).flat_map(hourly).collect();
        check(24 * 60, &requests, &[80; 24]);
    }

    #[test]
    fn the_largest_trace_of_a_hundred_years_can_be_added_up() {
        let size = Bytes::TOTAL_MAX;
        let request = Request { at: Time::START, size, object: ObjectId(0), op: Op::Put };
        let total: u128 = stored_byte_ns(&[request], 1, Nanos::SPAN_MAX).into_iter().sum();
        assert_eq!(total, u128::from(size.get()) * u128::from(Nanos::SPAN_MAX.get()));
    }
}
