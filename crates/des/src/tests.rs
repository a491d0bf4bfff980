//! The kernel drives a model that writes down what happens to it.

use units::{Nanos, Time};

use crate::{Agenda, Model, run};

/// Notes each event as it happens; an `Echo` schedules one more.
#[derive(Default)]
struct Recorder {
    seen: Vec<String>,
}

#[derive(Clone)]
enum Event {
    Note(&'static str),
    Echo { after_ns: u64, note: &'static str },
}

impl Model for Recorder {
    type Event = Event;

    fn handle(&mut self, now: Time, event: Event, agenda: &mut Agenda<Event>) {
        match event {
            Event::Note(note) => self.seen.push(format!("{} {note}", now.as_nanos())),
            Event::Echo { after_ns, note } => {
                agenda.after(Nanos::new(after_ns), Event::Note(note));
            }
        }
    }
}

#[track_caller]
fn check(schedule: Vec<(u64, Event)>, arrivals: Vec<(u64, Event)>, expect: &[&str]) {
    let at = |(nanos, event)| (Time::from_nanos(nanos), event);
    let mut agenda = Agenda::default();
    for (at, event) in schedule.into_iter().map(at) {
        agenda.at(at, event);
    }
    let mut recorder = Recorder::default();
    run(&mut recorder, agenda, arrivals.into_iter().map(at));
    assert_eq!(recorder.seen, expect);
}

#[test]
fn events_happen_in_time_order() {
    let schedule = vec![(7, Event::Note("late")), (3, Event::Note("early"))];
    check(schedule, vec![], &["3 early", "7 late"]);
}

#[test]
fn simultaneous_events_happen_as_scheduled() {
    // More than two: a heap without a tie-breaker keeps a pair in order by luck.
    let notes = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let expect: Vec<String> = notes.iter().map(|it| format!("5 {it}")).collect();
    let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
    check(notes.map(|it| (5, Event::Note(it))).to_vec(), vec![], &expect);
}

#[test]
fn an_event_may_schedule_another() {
    check(vec![(5, Event::Echo { after_ns: 2, note: "echo" })], vec![], &["7 echo"]);
}

#[test]
fn arrivals_are_merged_and_go_first() {
    let schedule = vec![(3, Event::Note("due")), (9, Event::Note("last"))];
    let echo = Event::Echo { after_ns: 1, note: "echo" };
    let arrivals = vec![(3, Event::Note("arrived")), (7, echo)];
    check(schedule, arrivals, &["3 arrived", "3 due", "8 echo", "9 last"]);
}

#[test]
fn far_and_near_come_in_order() {
    // A minute, an hour and a second ahead; scheduled from within a slot that has begun.
    let minute = 60_000_000_000;
    let schedule = vec![
        (60 * minute, Event::Note("hour")),
        (minute, Event::Note("minute")),
        (1_000_000_000, Event::Echo { after_ns: 69_000_000_000, note: "beyond the wheel" }),
        (1, Event::Echo { after_ns: 1, note: "at once" }),
    ];
    let expect =
        ["2 at once", "60000000000 minute", "70000000000 beyond the wheel", "3600000000000 hour"];
    check(schedule, vec![], &expect);
}

/// Whatever is scheduled, from outside and from within: it happens in order of time, and of
/// scheduling where times are equal.
struct Scheduler {
    seen: Vec<(Time, u64)>,
    n_scheduled: u64,
    delays: Vec<u64>,
}

impl Model for Scheduler {
    type Event = u64;

    fn handle(&mut self, now: Time, number: u64, agenda: &mut Agenda<u64>) {
        self.seen.push((now, number));
        if let Some(delay) = self.delays.pop() {
            agenda.after(Nanos::new(delay), self.n_scheduled);
            self.n_scheduled += 1;
        }
    }
}

proptest::proptest! {
    #[test]
    fn events_happen_in_the_order_of_a_sorted_list(
        starts in proptest::collection::vec(0_u64..200, 1..40),
        delays in proptest::collection::vec((0_u64..50, 0_u32..45), 0..200),
    ) {
        let mut agenda = Agenda::default();
        for (number, at) in (0..).zip(&starts) {
            agenda.at(Time::from_nanos(at << 24), number);
        }
        let delays: Vec<u64> = delays.into_iter().map(|(it, shift)| it << shift).collect();
        let n_events = starts.len() + delays.len();
        let mut scheduler =
            Scheduler { seen: Vec::new(), n_scheduled: starts.len() as u64, delays };
        run(&mut scheduler, agenda, std::iter::empty());
        proptest::prop_assert_eq!(scheduler.seen.len(), n_events);
        // Equal times keep the order of scheduling, which is that of the numbers.
        proptest::prop_assert!(scheduler.seen.is_sorted());
    }
}
