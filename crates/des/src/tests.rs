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
