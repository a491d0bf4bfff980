//! What a client of Redis says of itself when it connects: HELLO, AUTH, SELECT and CLIENT.

use bytes::Bytes;
use wire::NAME_LEN_MAX;

use super::reply::{Protocol, Reply};
use crate::proxy::Metrics;
use crate::proxy::shared::is_same;

/// The version of Redis that clients are told, some of which ask it less than they would a later
/// one.
pub(super) const REDIS_VERSION: &str = "7.0.0";

/// What is known of the client of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    /// The how many-th connection this is.
    number: u64,
    pub(super) is_let_in: bool,
    pub(super) protocol: Protocol,
    /// What it calls itself, if that is not empty.
    name: Bytes,
}

/// What a HELLO asks for.
#[derive(Default)]
struct Wishes {
    protocol: Option<Protocol>,
    password: Option<Bytes>,
    name: Option<Bytes>,
}

impl Peer {
    /// One of whom nothing was heard yet.
    pub(super) fn new(number: u64, is_let_in: bool) -> Peer {
        Peer { number, is_let_in, protocol: Protocol::Two, name: Bytes::new() }
    }

    /// Answers a command that is for strangers too; nothing where it is another.
    pub(super) fn greet(
        &mut self,
        name: &[u8],
        arguments: &[Bytes],
        password: Option<&str>,
        metrics: &Metrics,
    ) -> Option<Reply> {
        let answer = match (name, arguments) {
            (b"AUTH", [theirs] | [_, theirs]) => {
                self.let_in(theirs, password, metrics).map(|()| Reply::ok())
            }
            (b"AUTH", _) => Err(wrong("auth")),
            (b"HELLO", _) => self.hello(arguments, password, metrics),
            _ => return None,
        };
        Some(answer.unwrap_or_else(Reply::Error))
    }

    /// Answers SELECT and CLIENT; nothing where it is another command.
    pub(super) fn answer(&mut self, name: &[u8], arguments: &[Bytes]) -> Option<Reply> {
        let answer = match (name, arguments) {
            (b"SELECT", [number]) => select(number),
            (b"SELECT", _) => Err(wrong("select")),
            (b"CLIENT", [name, arguments @ ..]) => self.client(name, arguments),
            (b"CLIENT", []) => Err(wrong("client")),
            _ => return None,
        };
        Some(answer.unwrap_or_else(Reply::Error))
    }

    fn let_in(
        &mut self,
        theirs: &[u8],
        password: Option<&str>,
        metrics: &Metrics,
    ) -> Result<(), String> {
        let Some(ours) = password else {
            return Err("ERR AUTH was sent, and no password is set".to_owned());
        };
        if !is_same(ours.as_bytes(), theirs) {
            metrics.n_bad_peers.one();
            return Err("WRONGPASS invalid username-password pair".to_owned());
        }
        self.is_let_in = true;
        Ok(())
    }

    /// Nothing changes unless all that it asks for can be.
    fn hello(
        &mut self,
        arguments: &[Bytes],
        password: Option<&str>,
        metrics: &Metrics,
    ) -> Result<Reply, String> {
        let wishes = Wishes::parse(arguments)?;
        if let Some(theirs) = &wishes.password {
            self.let_in(theirs, password, metrics)?;
        }
        if !self.is_let_in {
            return Err("NOAUTH HELLO must be called with the client already authenticated, \
                        otherwise the HELLO <proto> AUTH <user> <pass> option can be used to \
                        authenticate the client and select the RESP protocol version at the same \
                        time"
                .to_owned());
        }
        if let Some(name) = wishes.name {
            self.name = name;
        }
        self.protocol = wishes.protocol.unwrap_or(self.protocol);
        let text = |it: &'static str| Reply::Bulk(Bytes::from_static(it.as_bytes()));
        Ok(Reply::Pairs(vec![
            ("server", text("redis")),
            ("version", text(REDIS_VERSION)),
            ("proto", Reply::Number(self.protocol.number())),
            ("id", Reply::Number(self.number)),
            ("mode", text("standalone")),
            ("role", text("master")),
            ("modules", Reply::NoWords),
        ]))
    }

    fn client(&mut self, name: &[u8], arguments: &[Bytes]) -> Result<Reply, String> {
        match (&name.to_ascii_uppercase()[..], arguments) {
            (b"ID", []) => Ok(Reply::Number(self.number)),
            (b"GETNAME", []) if self.name.is_empty() => Ok(Reply::Nil),
            (b"GETNAME", []) => Ok(Reply::Bulk(self.name.clone())),
            (b"SETNAME", [name]) => {
                self.name = checked_name(name)?;
                Ok(Reply::ok())
            }
            // Nobody here would ask for it.
            (b"SETINFO", [what, _]) if is_one_of(what, &["LIB-NAME", "LIB-VER"]) => Ok(Reply::ok()),
            (b"SETINFO", [what, _]) => Err(format!("ERR Unrecognized option '{}'", shown(what))),
            (b"ID" | b"GETNAME" | b"SETNAME" | b"SETINFO", _) => {
                Err(wrong(&format!("client|{}", shown(name).to_lowercase())))
            }
            _ => Err(format!("ERR unknown subcommand '{}' of CLIENT", shown(name))),
        }
    }
}

impl Wishes {
    fn parse(arguments: &[Bytes]) -> Result<Wishes, String> {
        let mut wishes = Wishes::default();
        let Some((number, mut rest)) = arguments.split_first() else { return Ok(wishes) };
        wishes.protocol = Some(match integer(number) {
            Some(2) => Protocol::Two,
            Some(3) => Protocol::Three,
            Some(_) => return Err("NOPROTO unsupported protocol version".to_owned()),
            None => {
                return Err("ERR Protocol version is not an integer or out of range".to_owned());
            }
        });
        while let Some((option, values)) = rest.split_first() {
            rest = match values {
                [_, password, rest @ ..] if is_one_of(option, &["AUTH"]) => {
                    wishes.password = Some(password.clone());
                    rest
                }
                [name, rest @ ..] if is_one_of(option, &["SETNAME"]) => {
                    wishes.name = Some(checked_name(name)?);
                    rest
                }
                _ => return Err(format!("ERR Syntax error in HELLO option '{}'", shown(option))),
            };
        }
        Ok(wishes)
    }
}

/// What is said where there are too few words, or too many.
pub(super) fn wrong(name: &str) -> String {
    format!("ERR wrong number of arguments for '{name}' command")
}

/// A word as it is shown to people, and not at any length.
pub(super) fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(&word[..word.len().min(64)]).escape_debug().to_string()
}

/// There is one database.
fn select(number: &[u8]) -> Result<Reply, String> {
    match integer(number) {
        Some(0) => Ok(Reply::ok()),
        Some(_) => Err("ERR DB index is out of range".to_owned()),
        None => Err("ERR value is not an integer or out of range".to_owned()),
    }
}

/// A name in memory of its own, for it outlives its command.
fn checked_name(name: &[u8]) -> Result<Bytes, String> {
    if NAME_LEN_MAX < name.len() {
        return Err(format!("ERR the name of a client has at most {NAME_LEN_MAX} bytes"));
    }
    if !name.iter().all(u8::is_ascii_graphic) {
        return Err(
            "ERR Client names cannot contain spaces, newlines or special characters.".to_owned()
        );
    }
    Ok(Bytes::copy_from_slice(name))
}

fn integer(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn is_one_of(word: &[u8], names: &[&str]) -> bool {
    names.iter().any(|it| word.eq_ignore_ascii_case(it.as_bytes()))
}
