//! The tokens that let functions in, each once.

use std::collections::BTreeMap;
use std::time::Duration;

use nodefn::Connection;
use tokio::time::Instant;
use units::NodeId;

/// A function that dialled in.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) connection: Connection,
    pub(crate) session: u64,
    /// Whether it takes over from the instance before.
    pub(crate) is_replica: bool,
}

/// Whom a token lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// This function; whether an instance that takes over from another.
    Function { node: NodeId, is_replica: bool },
    /// One end of this relay.
    Relay { relay: u64, node: NodeId },
}

/// The tokens that were given out and not used.
#[derive(Debug, Default)]
pub(crate) struct Admissions {
    tokens: BTreeMap<String, (Admission, Instant)>,
    n_relays: u64,
}

/// How long a token can be used: as long as the longest invocation.
const TOKEN_LIMIT: Duration = Duration::from_mins(15);

impl Admissions {
    /// A token for an invocation of this function. Those given out for it before, by
    /// invocations that came to nothing, stay good until their time is over.
    pub(crate) fn admit_function(
        &mut self,
        node: NodeId,
        is_replica: bool,
    ) -> Result<String, getrandom::Error> {
        self.admit(Admission::Function { node, is_replica })
    }

    /// Tokens for the two ends of a relay.
    pub(crate) fn admit_relay(&mut self, node: NodeId) -> Result<[String; 2], getrandom::Error> {
        self.n_relays += 1;
        let end = Admission::Relay { relay: self.n_relays, node };
        Ok([self.admit(end)?, self.admit(end)?])
    }

    /// Whom the token lets in. It does so once.
    pub(crate) fn take(&mut self, token: &[u8]) -> Option<Admission> {
        // The tokens are random, so that how long a wrong one takes to be told says nothing.
        let (admission, until) = self.tokens.remove(std::str::from_utf8(token).ok()?)?;
        (Instant::now() < until).then_some(admission)
    }

    fn admit(&mut self, admission: Admission) -> Result<String, getrandom::Error> {
        let now = Instant::now();
        self.tokens.retain(|_, (_, until)| now < *until);
        let token = random_token()?;
        self.tokens.insert(token.clone(), (admission, now + TOKEN_LIMIT));
        Ok(token)
    }
}

/// A token that cannot be guessed.
///
/// # Errors
/// If the system has no random numbers.
pub fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

/// Whether two tokens are the same, in a time that does not say where they differ.
pub(crate) fn is_same(ours: &[u8], theirs: &[u8]) -> bool {
    let differences = ours.iter().zip(theirs).fold(0, |acc, (a, b)| acc | (a ^ b));
    ours.len() == theirs.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_lets_in_whom_it_is_for_once() {
        let mut admissions = Admissions::default();
        let token = admissions.admit_function(NodeId(3), true).unwrap();
        let [source, replica] = admissions.admit_relay(NodeId(4)).unwrap();
        assert_eq!(admissions.take(b"guess"), None);
        assert_eq!(
            admissions.take(token.as_bytes()),
            Some(Admission::Function { node: NodeId(3), is_replica: true })
        );
        assert_eq!(admissions.take(token.as_bytes()), None);
        assert_eq!(admissions.take(source.as_bytes()), admissions.take(replica.as_bytes()));
    }

    #[test]
    fn tokens_are_compared_whole() {
        let check = |ours: &str, theirs: &str, expect| {
            assert_eq!(is_same(ours.as_bytes(), theirs.as_bytes()), expect);
        };
        check("secret", "secret", true);
        check("secret", "secreu", false);
        check("secret", "secre", false);
        check("", "", true);
    }
}
