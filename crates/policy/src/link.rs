//! What a proxy knows of its connection to one function, and what it does before it sends.

use units::{Nanos, Time};

/// What a link goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTerms {
    /// How long a ping may stay unanswered before the function is taken to have returned.
    pub ping_timeout: Nanos,
    /// How often a request is sent at most; the last failure is the client's.
    pub n_attempts_max: u32,
}

impl Default for LinkTerms {
    /// Those of the reference implementation: "just above average triggering cost", and three.
    fn default() -> LinkTerms {
        LinkTerms { ping_timeout: Nanos::millis(20), n_attempts_max: 3 }
    }
}

/// Whether the function is taken to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It has returned, or was never invoked.
    Sleeping,
    /// The instance that the proxy invoked runs.
    Active,
    /// An instance runs that need not be the one the proxy invoked: a peer replica that took
    /// over in a backup, or a fresh one in the place of one that was reclaimed.
    Maybe,
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Nobody has asked the function of late.
    Unvalidated,
    /// It was invoked or pinged, and has not answered yet.
    Validating,
    /// It has answered; a request goes out, or is under way.
    Validated,
}

/// What the driver of a link does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Nothing: what was begun is under way.
    Wait,
    /// Invoke the function; its PONG is waited for without a limit, since the platform may
    /// have to start an instance first.
    Invoke,
    /// Send a ping, and tell [`Link::ping_expired`] at this time unless a PONG came before.
    Ping(Time),
    /// Send the request in front of the queue.
    Send,
    /// Answer the request in front of the queue with an error: it was tried often enough.
    Fail,
}

/// On which connection a PONG came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The one in use.
    Current,
    /// One that was just opened, and is used from now on; an older one is to be closed.
    New,
}

/// A proxy's link to one function: Sleeping, Active or Maybe, and Unvalidated, Validating or
/// Validated (FAST'20 section 3.3 and Fig 6).
///
/// Requests go out one at a time. Before each one the function is asked whether it is there,
/// even if it answered a moment ago: it returns of its own accord, and a request that it does
/// not read is lost.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    terms: LinkTerms,
    life: Life,
    validity: Validity,
    has_connection: bool,
    /// When the ping under way has failed.
    ping_deadline: Option<Time>,
    /// How often the request in front was sent.
    n_attempts: u32,
    /// Whether someone waits for the validation to send a request.
    is_wanted: bool,
}

impl Link {
    /// The link to a function that was never invoked.
    pub fn new(terms: LinkTerms) -> Link {
        assert!(0 < terms.n_attempts_max, "a request is sent at least once");
        Link {
            terms,
            life: Life::Sleeping,
            validity: Validity::Unvalidated,
            has_connection: false,
            ping_deadline: None,
            n_attempts: 0,
            is_wanted: false,
        }
    }

    /// Whether the function is taken to run.
    pub fn life(&self) -> Life {
        self.life
    }

    /// Whether a request may be sent.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// A request has come to the front of the queue.
    pub fn request(&mut self, now: Time) -> Step {
        self.is_wanted = true;
        match self.validity {
            Validity::Validating => Step::Wait,
            Validity::Validated => panic!("the request before is still under way"),
            Validity::Unvalidated => self.validate(now),
        }
    }

    /// The idle timer fired: whether to invoke the function to keep it warm. Where it runs,
    /// or was just asked, nothing is sent.
    pub fn warm_up(&mut self) -> Step {
        if self.life != Life::Sleeping || self.validity != Validity::Unvalidated {
            return Step::Wait;
        }
        self.validity = Validity::Validating;
        Step::Invoke
    }

    /// Whether a connection that was just opened is to be used: always that of a replica that
    /// takes over. Another instance is turned away while the one in use is there, which holds
    /// the chunks: it was invoked because a PONG came late.
    pub fn admits(&self, is_replica: bool) -> bool {
        is_replica || !self.has_connection || self.life == Life::Sleeping
    }

    /// The function says that it is there.
    pub fn pong(&mut self, connection: Connection) -> Step {
        let is_other = connection == Connection::New && self.has_connection;
        self.has_connection = true;
        if is_other {
            self.life = Life::Maybe;
        } else if self.life == Life::Sleeping {
            self.life = Life::Active;
        }
        if self.validity != Validity::Validating {
            return Step::Wait;
        }
        self.ping_deadline = None;
        if self.is_wanted {
            self.n_attempts += 1;
            self.validity = Validity::Validated;
            Step::Send
        } else {
            self.validity = Validity::Unvalidated;
            Step::Wait
        }
    }

    /// The function has answered the request that was sent. The next one asks again.
    pub fn answered(&mut self) {
        assert_eq!(self.validity, Validity::Validated, "nothing was sent");
        self.validity = Validity::Unvalidated;
        self.is_wanted = false;
        self.n_attempts = 0;
    }

    /// A ping was not answered in time: the function is taken to have returned, and is invoked.
    pub fn ping_expired(&mut self, now: Time) -> Step {
        match self.ping_deadline {
            Some(deadline) if deadline <= now => self.gone(now),
            _ => Step::Wait,
        }
    }

    /// The function says that it returns.
    pub fn bye(&mut self, now: Time) -> Step {
        self.gone(now)
    }

    /// The connection in use was closed, or broke.
    pub fn closed(&mut self, now: Time) -> Step {
        self.has_connection = false;
        self.gone(now)
    }

    /// The invocation has returned, as the platform says. In Maybe that says nothing: it need
    /// not be the instance in use.
    pub fn invocation_returned(&mut self, now: Time) -> Step {
        if self.life == Life::Maybe { Step::Wait } else { self.gone(now) }
    }

    /// The request that was sent cannot be sent a second time: its body was streamed from the
    /// client, and is gone. Call this before telling of the failure.
    pub fn cannot_retry(&mut self) {
        self.n_attempts = self.terms.n_attempts_max;
    }

    /// Gives the request in front up, as [`Step::Fail`] says.
    pub fn failed(&mut self) {
        self.validity = Validity::Unvalidated;
        self.is_wanted = false;
        self.n_attempts = 0;
    }

    /// The request in front is withdrawn before it was sent: its time is over, or nobody waits
    /// for it any more. What was begun for it goes on, and its PONG is then for the next one.
    pub fn withdrawn(&mut self) {
        assert_ne!(self.validity, Validity::Validated, "it was sent");
        self.is_wanted = false;
        self.n_attempts = 0;
    }

    fn gone(&mut self, now: Time) -> Step {
        self.life = Life::Sleeping;
        self.ping_deadline = None;
        match self.validity {
            Validity::Unvalidated => Step::Wait,
            // An invocation under way will answer; one that returned without a PONG is made
            // again, for as long as someone wants it.
            Validity::Validating if self.is_wanted => self.validate(now),
            Validity::Validating => {
                self.validity = Validity::Unvalidated;
                Step::Wait
            }
            // A request was under way, and is sent again.
            Validity::Validated if self.n_attempts < self.terms.n_attempts_max => {
                self.validate(now)
            }
            Validity::Validated => Step::Fail,
        }
    }

    fn validate(&mut self, now: Time) -> Step {
        self.validity = Validity::Validating;
        if self.life == Life::Sleeping {
            self.ping_deadline = None;
            return Step::Invoke;
        }
        let deadline = now + self.terms.ping_timeout;
        self.ping_deadline = Some(deadline);
        Step::Ping(deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells a fresh link what the words say, one millisecond after the other, and checks the
    /// steps it answers (`.` wait, `i` invoke, `p` ping, `s` send, `f` fail) and its states.
    #[track_caller]
    fn check(script: &str, steps: &str, life: Life, validity: Validity) {
        let mut link = Link::new(LinkTerms::default());
        let mut seen = String::new();
        for (milli, word) in (0..).zip(script.split_whitespace()) {
            let now = Time::START + Nanos::millis(milli);
            let step = match word {
                "request" => link.request(now),
                "warm" => link.warm_up(),
                "pong" => link.pong(Connection::Current),
                "pong-new" => link.pong(Connection::New),
                "bye" => link.bye(now),
                "closed" => link.closed(now),
                "returned" => link.invocation_returned(now),
                "expired" => link.ping_expired(now + Nanos::millis(20)),
                "early" => link.ping_expired(now),
                "answered" => {
                    link.answered();
                    Step::Wait
                }
                "once" => {
                    link.cannot_retry();
                    Step::Wait
                }
                "withdrawn" => {
                    link.withdrawn();
                    Step::Wait
                }
                "failed" => {
                    link.failed();
                    Step::Wait
                }
                _ => panic!("no such word: {word}"),
            };
            seen.push(match step {
                Step::Wait => '.',
                Step::Invoke => 'i',
                Step::Ping(_) => 'p',
                Step::Send => 's',
                Step::Fail => 'f',
            });
        }
        assert_eq!(seen, steps, "{script}");
        assert_eq!((link.life(), link.validity()), (life, validity), "{script}");
    }

    use Life::{Active, Maybe, Sleeping};
    use Validity::{Unvalidated, Validated, Validating};

    #[test]
    fn a_sleeping_function_is_invoked_and_a_running_one_pinged() {
        check("request", "i", Sleeping, Validating);
        check("request pong-new", "is", Active, Validated);
        check("request pong-new answered", "is.", Active, Unvalidated);
        check("request pong-new answered request", "is.p", Active, Validating);
        check("request pong-new answered request pong", "is.ps", Active, Validated);
        check("request pong-new answered bye request", "is..i", Sleeping, Validating);
    }

    #[test]
    fn a_ping_that_is_not_answered_in_time_leads_to_an_invocation() {
        let up = "request pong-new answered request";
        check(&format!("{up} early"), "is.p.", Active, Validating);
        check(&format!("{up} expired"), "is.pi", Sleeping, Validating);
        check(&format!("{up} bye"), "is.pi", Sleeping, Validating);
        check(&format!("{up} bye pong"), "is.pis", Active, Validated);
        check(&format!("{up} pong expired"), "is.ps.", Active, Validated);
    }

    #[test]
    fn another_instance_makes_it_maybe() {
        let up = "request pong-new answered";
        check(&format!("{up} pong-new"), "is..", Maybe, Unvalidated);
        check(&format!("{up} pong-new returned"), "is...", Maybe, Unvalidated);
        check(&format!("{up} returned"), "is..", Sleeping, Unvalidated);
        check(&format!("{up} pong-new request pong"), "is..ps", Maybe, Validated);
        // The connection broke with the instance, so that the next one is not a second.
        check(&format!("{up} closed request pong-new"), "is..is", Active, Validated);
    }

    #[test]
    fn a_warm_up_is_for_those_that_sleep() {
        check("warm", "i", Sleeping, Validating);
        check("warm pong-new", "i.", Active, Unvalidated);
        check("warm pong-new warm", "i..", Active, Unvalidated);
        check("warm request pong-new", "i.s", Active, Validated);
        check("warm returned", "i.", Sleeping, Unvalidated);
        check("warm request returned", "i.i", Sleeping, Validating);
    }

    #[test]
    fn a_second_instance_is_turned_away_while_the_first_is_there() {
        let mut link = Link::new(LinkTerms::default());
        assert!(link.admits(false), "the first one");
        let now = Time::START;
        assert_eq!(link.request(now), Step::Invoke);
        assert_eq!(link.pong(Connection::New), Step::Send);
        link.answered();
        assert!(!link.admits(false) && link.admits(true));
        // The PONG to the next ping is late: the function is invoked, and then answers.
        let Step::Ping(due) = link.request(now) else { panic!("a running function is pinged") };
        assert_eq!(link.ping_expired(due), Step::Invoke);
        assert!(link.admits(false));
        assert_eq!(link.pong(Connection::Current), Step::Send);
        assert!(!link.admits(false));
        // With its connection the instance is gone.
        link.answered();
        assert_eq!(link.closed(now), Step::Wait);
        assert!(link.admits(false));
    }

    #[test]
    fn nobody_is_invoked_for_a_request_that_was_withdrawn() {
        check("request withdrawn returned", "i..", Sleeping, Unvalidated);
        check("request withdrawn pong-new", "i..", Active, Unvalidated);
        check("request withdrawn request pong-new", "i..s", Active, Validated);
        let up = "request pong-new answered request withdrawn";
        check(&format!("{up} expired"), "is.p..", Sleeping, Unvalidated);
        check(&format!("{up} pong"), "is.p..", Active, Unvalidated);
    }

    #[test]
    fn a_lost_request_is_sent_again_and_at_last_given_up() {
        let lost = "request pong-new closed pong-new closed pong-new";
        check(lost, "isisis", Active, Validated);
        check(&format!("{lost} closed"), "isisisf", Sleeping, Validated);
        check(&format!("{lost} closed failed"), "isisisf.", Sleeping, Unvalidated);
        check("request pong-new once closed failed", "is.f.", Sleeping, Unvalidated);
        check("request pong-new closed pong-new answered request", "isis.p", Active, Validating);
    }
}
