//! When a read of an erasure-coded object is settled.

use std::{fmt, str};

/// Which answers a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstD {
    /// The first d chunks settle the read (FAST'20 section 3.2; InfiniStore's client).
    Paper,
    /// All d + p functions have to answer, since the reference client waits for every header;
    /// only the bodies of late chunks are saved.
    Code,
}

impl str::FromStr for FirstD {
    type Err = String;

    fn from_str(text: &str) -> Result<FirstD, String> {
        match text {
            "paper" => Ok(FirstD::Paper),
            "code" => Ok(FirstD::Code),
            _ => Err(format!("`{text}` is not a way to settle a read; write paper or code")),
        }
    }
}

impl fmt::Display for FirstD {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FirstD::Paper => "paper",
            FirstD::Code => "code",
        })
    }
}

/// One read of an erasure-coded object: asks for every chunk, and settles when it can.
#[derive(Clone, Copy, Debug)]
pub struct Fetch {
    n_data: u32,
    n_parity: u32,
    first_d: FirstD,
    n_arrived: u32,
    n_missing: u32,
}

/// What an answer did to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too early to say, or already said.
    Open,
    /// With this answer the object can be decoded. Said once.
    Decodable,
    /// With this answer too few chunks are left to ever decode it. Said once.
    Lost,
}

impl Fetch {
    /// A read that nothing has answered yet.
    pub fn new(n_data: u32, n_parity: u32, first_d: FirstD) -> Fetch {
        assert!(0 < n_data, "an object has data");
        Fetch { n_data, n_parity, first_d, n_arrived: 0, n_missing: 0 }
    }

    /// A chunk came.
    pub fn arrived(&mut self) -> Verdict {
        self.n_arrived += 1;
        self.verdict(self.n_arrived == self.n_data, false)
    }

    /// A function answered that it holds no such chunk.
    pub fn missing(&mut self) -> Verdict {
        self.n_missing += 1;
        self.verdict(false, self.n_missing == self.n_parity + 1)
    }

    /// Whether every function has answered, so that nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.n_arrived + self.n_missing == self.n_data + self.n_parity
    }

    /// Whether the object could be decoded from what has come so far.
    pub fn is_decodable(&self) -> bool {
        self.n_data <= self.n_arrived
    }

    fn verdict(&self, decodable_now: bool, lost_now: bool) -> Verdict {
        assert!(self.n_arrived + self.n_missing <= self.n_data + self.n_parity, "{self:?}");
        let says_decodable = match self.first_d {
            FirstD::Paper => decodable_now,
            FirstD::Code => self.is_closed() && self.is_decodable(),
        };
        let says_lost = match self.first_d {
            FirstD::Paper => lost_now,
            FirstD::Code => self.is_closed() && !self.is_decodable(),
        };
        match (says_decodable, says_lost) {
            (true, _) => Verdict::Decodable,
            (_, true) => Verdict::Lost,
            _ => Verdict::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays answers ("+" a chunk came, "-" it is missing) to a read of 3 + 2 chunks, and
    /// checks what each answer says ("." open, "d" decodable, "l" lost).
    #[track_caller]
    fn check(first_d: FirstD, answers: &str, expect: &str) {
        let mut fetch = Fetch::new(3, 2, first_d);
        let mut said = String::new();
        for answer in answers.chars() {
            let verdict = if answer == '+' { fetch.arrived() } else { fetch.missing() };
            said.push(match verdict {
                Verdict::Open => '.',
                Verdict::Decodable => 'd',
                Verdict::Lost => 'l',
            });
        }
        assert_eq!(said, expect, "{answers}");
    }

    #[test]
    fn as_the_paper_has_it_the_first_d_chunks_settle() {
        check(FirstD::Paper, "+++++", "..d..");
        check(FirstD::Paper, "--+++", "....d");
        check(FirstD::Paper, "---++", "..l..");
        check(FirstD::Paper, "++---", "....l");
    }

    #[test]
    fn as_the_code_has_it_the_last_answer_settles() {
        check(FirstD::Code, "+++++", "....d");
        check(FirstD::Code, "--+++", "....d");
        check(FirstD::Code, "---++", "....l");
    }
}
