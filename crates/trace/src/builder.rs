//! Gathers the requests that a reader yields, whatever its format, into a [`Trace`].

use std::collections::BTreeMap;

use units::{Bytes, Nanos, ObjectId, Op, Request, Time};

use crate::asides::{AsideKinds, Asides, ByteRange};
use crate::error::{ErrorKind, Failure, Position, shown};
use crate::keys::{Interner, NUMBER_MAX};
use crate::note::{Gap, Note};
use crate::op::is_operation;
use crate::sample::Drawing;
use crate::source::Source;
use crate::tally::Tally;
use crate::trace::{Trace, retain};
use crate::window::{Passed, Window};

/// What a reader yields: one request, its time not yet counted from the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// Nanoseconds since 1970, or since wherever the trace counts from.
    pub(crate) nanos: u64,
    pub(crate) key: Key<'a>,
    pub(crate) size: Bytes,
    pub(crate) op: Op,
}

/// Which object a record asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key<'a> {
    /// The object with this name.
    Text(&'a [u8]),
    /// The object whose name is this number in decimal digits.
    Number(u64),
}

/// A request for an object that is named by a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    /// Whether its record can be, and says nothing else; only then the rest counts.
    pub(crate) is_plain: bool,
    pub(crate) nanos: u64,
    pub(crate) number: u64,
    /// At most [`Bytes::SIZE_MAX`].
    pub(crate) size: Bytes,
    pub(crate) op: Op,
}

/// A trace in the making.
#[derive(Default)]
pub(crate) struct Builder<'a> {
    /// Where requests go, if they are not to be held.
    window: Option<Window<'a>>,
    /// Which are kept, if not all are.
    drawing: Option<Drawing>,
    /// Whether the request pushed last is not.
    is_last_out: bool,
    interner: Interner,
    /// As they came; `at` is absolute until the end.
    requests: Vec<Request>,
    asides: Asides,
    total: Bytes,
    /// The earliest and latest time so far.
    range: Option<(u64, u64)>,
    /// The names of the files that were begun.
    files: Vec<String>,
    out_of_order: Tally,
    zero_size: Tally,
    n_ignored: u64,
    ignored_words: BTreeMap<Vec<u8>, u64>,
    n_not_selected: u64,
    not_selected_words: BTreeMap<&'static str, u64>,
    /// How many bad rows may be passed over, and those that were.
    n_bad_max: u64,
    bad: Tally,
    first_bad: Option<String>,
    ttl: Tally,
    partial: Tally,
    /// Where the requests of the source that is being read begin, and whether all before are in
    /// order.
    source_start: usize,
    is_in_order: bool,
    /// How many rows had been out of order by then.
    n_out_of_order_before: u64,
    /// How many rows of all sources have no time of their own.
    n_timeless: u64,
}

/// How many requests [`Builder::push_all`] takes at once, and how far [`Builder::look_ahead`] does:
/// so many slots of the table of objects are near at once.
pub(crate) const N_AT_ONCE: usize = 64;

impl<'a> Builder<'a> {
    /// The most requests that fit, as an id stands for each in some policies.
    const N_REQUESTS_MAX: u32 = u32::MAX - 1;
    /// Words for ignored operations that are told apart; a wrong column has millions.
    const N_WORDS_MAX: usize = 16;

    /// A trace in the making that passes over as many bad rows as this.
    pub(crate) fn new(n_bad_max: u64) -> Builder<'a> {
        Builder { n_bad_max, is_in_order: true, ..Builder::default() }
    }

    /// One that holds no trace, but passes on every request through `window`.
    pub(crate) fn passing(n_bad_max: u64, window: Window<'a>) -> Builder<'a> {
        Builder { window: Some(window), ..Builder::new(n_bad_max) }
    }

    /// One that keeps of all requests what `drawing` says.
    pub(crate) fn drawing(n_bad_max: u64, drawing: Drawing) -> Builder<'a> {
        Builder { drawing: Some(drawing), ..Builder::new(n_bad_max) }
    }

    /// Says which numbered objects the next records ask for, so that finding them takes less time.
    pub(crate) fn look_ahead(&self, numbers: impl Iterator<Item = u64>) {
        if self.window.is_none() && self.drawing.is_none() {
            self.interner.fetch_numbers(numbers);
        }
    }

    /// Appends requests, at most [`N_AT_ONCE`], of which the first stands at `n_first`: their
    /// checks are done at once, rather than one by one. False where that cannot be, and nothing is
    /// done.
    pub(crate) fn push_all(&mut self, records: &[Numbered], n_first: u64) -> bool {
        let Some(first) = records.first() else { return true };
        let (mut earliest, mut latest) = self.range.unwrap_or((first.nanos, first.nanos));
        let (mut is_plain, mut is_calm, mut n_bytes) = (self.window.is_none(), true, 0);
        for record in records {
            is_plain &= record.is_plain && record.number <= NUMBER_MAX;
            is_calm &= latest <= record.nanos;
            is_calm &= record.size != Bytes::ZERO;
            earliest = earliest.min(record.nanos);
            latest = latest.max(record.nanos);
            n_bytes += record.size.get();
        }
        let total = self.total + Bytes::new(n_bytes);
        let n_requests = self.requests.len() + records.len();
        let fits = total <= Bytes::TOTAL_MAX
            && n_requests <= Self::N_REQUESTS_MAX as usize
            && self.interner.has_room(records.len());
        if !is_plain || !fits || Nanos::SPAN_MAX.get() < latest - earliest {
            return false;
        }
        if is_calm {
            (self.range, self.total) = (Some((earliest, latest)), total);
        } else {
            for (record, n_record) in records.iter().zip(n_first..) {
                let position = Position::Record(n_record);
                let noted = self.note_time(record.nanos, position);
                let noted = noted.and_then(|()| self.note_size(record.size, record.op, position));
                noted.expect("all of them together fit");
            }
        }
        if self.drawing.is_some() {
            for record in records {
                let Numbered { nanos, number, size, op, .. } = *record;
                let record = Record { nanos, key: Key::Number(number), size, op };
                self.hold(record).expect("there is room");
            }
            return true;
        }
        let mut objects = [NO_ID; N_AT_ONCE];
        self.interner.intern_numbers(records.iter().map(|it| it.number), &mut objects);
        let requests = records.iter().zip(objects).map(|(record, object)| {
            let Numbered { nanos, size, op, .. } = *record;
            Request { at: Time::from_nanos(nanos), size, object, op }
        });
        self.requests.extend(requests);
        true
    }

    /// Appends a request, which stands at `position`.
    pub(crate) fn push(&mut self, record: Record<'_>, position: Position) -> Result<(), Failure> {
        self.note_time(record.nanos, position)?;
        self.note_size(record.size, record.op, position)?;
        let pushed = match &mut self.window {
            Some(window) => window.push(record),
            None => self.hold(record),
        };
        pushed.map_err(|it| it.at(position))
    }

    /// Keeps the request, if it is to be.
    #[inline]
    fn hold(&mut self, record: Record<'_>) -> Result<(), ErrorKind> {
        let Record { nanos, key, mut size, op } = record;
        if let Some(drawing) = &mut self.drawing {
            self.is_last_out = !drawing.keeps(nanos, key, &mut size, op);
            if self.is_last_out {
                return Ok(());
            }
            if drawing.is_full(self.interner.keys().len()) {
                self.narrow();
            }
        }
        let object = match key {
            Key::Text(key) => self.interner.intern(key),
            Key::Number(number) => self.interner.intern_number(number),
        };
        let Some(object) = object else {
            return Err(ErrorKind::TooManyObjects { limit: Interner::N_KEYS_MAX });
        };
        if Self::N_REQUESTS_MAX as usize <= self.requests.len() {
            return Err(ErrorKind::TooManyRequests { limit: Self::N_REQUESTS_MAX });
        }
        self.requests.push(Request { at: Time::from_nanos(nanos), size, object, op });
        Ok(())
    }

    /// Lets go of the requests for objects that are out of the sample by now.
    fn narrow(&mut self) {
        let Some(drawing) = &mut self.drawing else { return };
        let keys = std::mem::take(&mut self.interner).into_keys();
        let is_in = drawing.narrow(&keys);
        let (mut n_looked_at, mut n_before) = (0, 0);
        retain(&mut self.requests, &mut self.asides, |request| {
            let is_kept = is_in(request.object);
            n_before += usize::from(is_kept && n_looked_at < self.source_start);
            n_looked_at += 1;
            is_kept
        });
        self.source_start = n_before;
        let mut new_ids = vec![NO_ID; keys.len()];
        for request in &mut self.requests {
            let new_id = &mut new_ids[request.object.index()];
            if *new_id == NO_ID {
                let key = keys.get(request.object);
                *new_id = self.interner.intern(&key).expect("no more keys than before");
            }
            request.object = *new_id;
        }
    }

    /// The number, from 1, of a row that has no time: of the rows of all sources, which follow one
    /// another.
    pub(crate) fn timeless_row(&mut self) -> u64 {
        self.n_timeless += 1;
        self.n_timeless
    }

    /// Counts a row left out because its operation moves no object.
    pub(crate) fn ignore(&mut self, word: &[u8]) {
        self.n_ignored += 1;
        if let Some(n) = self.ignored_words.get_mut(word) {
            *n += 1;
        } else if self.ignored_words.len() < Self::N_WORDS_MAX {
            self.ignored_words.insert(word.to_vec(), 1);
        }
    }

    /// Counts a row left out because the format's selection does not keep it; `what` it is, in
    /// the plural.
    pub(crate) fn leave_out(&mut self, what: &'static str) {
        self.n_not_selected += 1;
        *self.not_selected_words.entry(what).or_default() += 1;
    }

    /// Keeps of the request pushed last, which stands at `position`, for how many seconds its
    /// object may be kept.
    pub(crate) fn keep_ttl(&mut self, ttl_s: u32, position: Position) -> Result<(), Failure> {
        self.ttl.add(self.files.len(), position);
        if self.is_last_out {
            self.asides.add_kinds(AsideKinds { ttls: true, ranges: false });
            return Ok(());
        }
        if let Some(window) = &mut self.window {
            return window.keep_ttl(ttl_s).map_err(|it| it.at(position));
        }
        self.asides.push_ttl(self.requests.len() - 1, ttl_s);
        Ok(())
    }

    /// Keeps of the request pushed last, which stands at `position`, which part of its object it
    /// reads.
    pub(crate) fn keep_range(
        &mut self,
        range: ByteRange,
        position: Position,
    ) -> Result<(), Failure> {
        self.partial.add(self.files.len(), position);
        if self.is_last_out {
            self.asides.add_kinds(AsideKinds { ttls: false, ranges: true });
            return Ok(());
        }
        if let Some(window) = &mut self.window {
            return window.keep_range(range).map_err(|it| it.at(position));
        }
        self.asides.push_range(self.requests.len() - 1, range);
        Ok(())
    }

    /// Passes over a bad row, if it is one and as many may be.
    pub(crate) fn skip(&mut self, failure: Failure) -> Result<(), Failure> {
        if !failure.kind.is_of_one_row() || self.n_bad_max <= self.bad.n {
            return Err(failure);
        }
        self.bad.add(self.files.len(), failure.position);
        self.first_bad.get_or_insert_with(|| failure.kind.to_string());
        Ok(())
    }

    /// Says which file the next rows stand in.
    pub(crate) fn begin_source(&mut self, name: &str) {
        self.files.push(name.to_owned());
    }

    /// Sorts what the source that ends here has brought in among what came before it, so that
    /// sources that follow one another in time need no room to sort everything at the end.
    pub(crate) fn finish_source(&mut self) {
        let start = std::mem::replace(&mut self.source_start, self.requests.len());
        let n_before = std::mem::replace(&mut self.n_out_of_order_before, self.out_of_order.n);
        if n_before == self.out_of_order.n {
            return;
        }
        let (before, new) = self.requests.split_at_mut(start);
        sort(new, start, &mut self.asides);
        let Some(first) = new.first() else { return };
        let n_overlapping = before.len() - before.partition_point(|it| it.at <= first.at);
        // More than that is another stretch of time altogether, and waits for the end.
        self.is_in_order &= n_overlapping <= 8 * new.len();
        if self.is_in_order && 0 < n_overlapping {
            let from = start - n_overlapping;
            sort(&mut self.requests[from..], from, &mut self.asides);
        }
    }

    /// The trace, once no more requests come. `source` is told its start here, in nanoseconds
    /// since wherever the trace counts from.
    pub(crate) fn finish(
        self,
        source: impl FnOnce(u64) -> Source,
        keeps: Option<&str>,
    ) -> Result<Trace, Failure> {
        Ok(self.finish_held(source, keeps)?.0)
    }

    /// The trace of what was kept of all requests, once no more come, and what kept it.
    pub(crate) fn finish_drawing(
        self,
        source: impl FnOnce(u64) -> Source,
        keeps: Option<&str>,
    ) -> Result<(Trace, Drawing), Failure> {
        let (trace, drawing) = self.finish_held(source, keeps)?;
        Ok((trace, drawing.expect("it does not keep all")))
    }

    fn finish_held(
        mut self,
        source: impl FnOnce(u64) -> Source,
        keeps: Option<&str>,
    ) -> Result<(Trace, Option<Drawing>), Failure> {
        let start = self.start(keeps)?;
        let mut notes = self.notes(keeps);
        if 0 < start {
            for request in &mut self.requests {
                request.at = Time::from_nanos(request.at.as_nanos() - start);
            }
        }
        let is_sorted = self.out_of_order.n == 0;
        if !is_sorted && !self.requests.is_sorted_by_key(|it| it.at) {
            sort(&mut self.requests, 0, &mut self.asides);
        }
        // Between the few that are drawn there are gaps that the trace has not.
        if self.drawing.is_none() {
            notes.extend(long_gap(&self.requests));
        }
        let (keys, asides) = (self.interner.into_keys(), self.asides);
        let trace = if is_sorted {
            Trace::new(self.requests, keys, asides, source(start), notes)
        } else {
            Trace::renumbered(self.requests, &keys, asides, source(start), notes)
        };
        Ok((trace, self.drawing))
    }

    /// What has become of the requests, once no more come, for one that passes them on.
    pub(crate) fn finish_passing(
        mut self,
        source: impl FnOnce(u64) -> Source,
        keeps: Option<&str>,
    ) -> Result<(Passed, Source, Vec<Note>), Failure> {
        let start = self.start(keeps)?;
        let mut notes = self.notes(keeps);
        let window = self.window.take().expect("it passes requests on");
        let passed = window.finish()?;
        notes.extend(passed.longest_gap.and_then(|it| it.note(passed.span)));
        Ok((passed, source(start), notes))
    }

    /// The earliest time; an error where there was no request.
    fn start(&self, keeps: Option<&str>) -> Result<u64, Failure> {
        let Some((start, _)) = self.range else {
            let n_rows = self.n_ignored + self.n_not_selected;
            if n_rows == 0 {
                return Err(ErrorKind::NoRows.into());
            }
            let why: Vec<String> = self.left_out(keeps).iter().map(ToString::to_string).collect();
            return Err(ErrorKind::NoRequests { n_rows, why: why.join("; ") }.into());
        };
        Ok(start)
    }

    fn note_size(&mut self, size: Bytes, op: Op, position: Position) -> Result<(), Failure> {
        // A DELETE need not say how large the object was.
        if size == Bytes::ZERO && op != Op::Delete {
            self.zero_size.add(self.files.len(), position);
        }
        // Neither term is above 2^62, so the sum fits.
        self.total += size;
        if Bytes::TOTAL_MAX < self.total {
            return Err(ErrorKind::TotalTooLarge { limit: Bytes::TOTAL_MAX }.at(position));
        }
        Ok(())
    }

    fn note_time(&mut self, nanos: u64, position: Position) -> Result<(), Failure> {
        let (earliest, latest) = self.range.unwrap_or((nanos, nanos));
        let range = (earliest.min(nanos), latest.max(nanos));
        if Nanos::SPAN_MAX.get() < range.1 - range.0 {
            return Err(ErrorKind::SpanTooLong { limit: Nanos::SPAN_MAX }.at(position));
        }
        if nanos < latest {
            self.out_of_order.add(self.files.len(), position);
        }
        self.range = Some(range);
        Ok(())
    }

    fn notes(&self, keeps: Option<&str>) -> Vec<Note> {
        let Builder { files, out_of_order, zero_size, partial, ttl, .. } = self;
        let mut notes = Vec::new();
        if let (Some(first), Some(why)) = (self.bad.first(files), &self.first_bad) {
            notes.push(Note::Skipped { n_rows: self.bad.n, first, why: why.clone() });
        }
        notes.extend(out_of_order.note(files, |n_rows, first| Note::OutOfOrder { n_rows, first }));
        let of_zero_size = |n_requests, first| Note::ZeroSize { n_requests, first };
        notes.extend(zero_size.note(files, of_zero_size));
        notes.extend(partial.note(files, |n_requests, _| Note::PartialReads { n_requests }));
        notes.extend(ttl.note(files, |n_requests, _| Note::TimesToLive { n_requests }));
        notes.extend(self.left_out(keeps));
        notes
    }

    /// The notes on rows that were left out.
    fn left_out(&self, keeps: Option<&str>) -> Vec<Note> {
        let mut notes = Vec::new();
        let n_others = self.n_ignored - self.ignored_words.values().sum::<u64>();
        let mut known = Vec::new();
        // Where there are so many words, it is not operations that they are.
        let mut unknown = Vec::from_iter((0 < n_others).then(|| ("others".to_owned(), n_others)));
        for (word, n) in self.ignored_words.iter().rev() {
            let words = if is_operation(word) { &mut known } else { &mut unknown };
            words.insert(0, (shown(word), *n));
        }
        let n_rows = |words: &[(String, u64)]| words.iter().map(|it| it.1).sum();
        if !known.is_empty() {
            notes.push(Note::IgnoredOps { n_rows: n_rows(&known), words: known });
        }
        if !unknown.is_empty() {
            notes.push(Note::UnknownOps { n_rows: n_rows(&unknown), words: unknown });
        }
        if let Some(keeps) = keeps.filter(|_| 0 < self.n_not_selected) {
            let words = self.not_selected_words.iter();
            let words = words.map(|(word, n)| ((*word).to_owned(), *n)).collect();
            let keeps = keeps.to_owned();
            notes.push(Note::NotSelected { n_rows: self.n_not_selected, keeps, words });
        }
        notes
    }
}

/// The note on a stretch without requests that is too long to be likely.
fn long_gap(requests: &[Request]) -> Option<Note> {
    let span = requests.last()?.at.since(requests.first()?.at);
    if span < Gap::LIKELY_MAX {
        return None;
    }
    let gaps = requests.windows(2).map(|it| it[1].at.since(it[0].at));
    (1..).zip(gaps).map(|(n_before, length)| Gap { length, n_before }).max()?.note(span)
}

/// Sorts requests, of which the first has the index `start`, by time; those of one instant stay
/// as they are. What they say aside follows them.
fn sort(requests: &mut [Request], start: usize, asides: &mut Asides) {
    if asides.is_empty_from(start) {
        return requests.sort_by_key(|it| it.at);
    }
    if requests.is_sorted_by_key(|it| it.at) {
        return;
    }
    let n_requests = u32::try_from(requests.len()).expect("fewer than 2^32 requests");
    let start = u32::try_from(start).expect("fewer than 2^32 requests");
    let mut order: Vec<u32> = (0..n_requests).collect();
    order.sort_by_key(|it| requests[*it as usize].at);
    let sorted: Vec<Request> = order.iter().map(|it| requests[*it as usize]).collect();
    requests.copy_from_slice(&sorted);
    let mut new_indices = vec![0; order.len()];
    for (new, old) in (start..).zip(&order) {
        new_indices[*old as usize] = new;
    }
    asides.moved(|index| match index.checked_sub(start) {
        Some(old) => Some(new_indices[old as usize]),
        None => Some(index),
    });
}

/// The id of an object that has none yet.
pub(crate) const NO_ID: ObjectId = ObjectId(u32::MAX);
