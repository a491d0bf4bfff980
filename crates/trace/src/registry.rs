//! What is kept of a trace of a Docker registry: methods, blobs, status.

use std::{fmt, str};

use units::Op;

use crate::op::classify;

/// Which records of a Docker registry trace are requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryFilter {
    /// The methods that are kept, of those that move an object; none: all of them.
    pub methods: Vec<Method>,
    /// What is asked for.
    pub resources: Resources,
    /// The status codes that are kept; none: all of them.
    pub statuses: Vec<u16>,
}

/// A method of HTTP that moves an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(pub Op);

/// What in a registry is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resources {
    /// Layers and configurations: `v2/<namespace>/<repository>/blobs/<digest>`.
    Blobs,
    /// Lists of layers: `v2/<namespace>/<repository>/manifests/<digest>`.
    Manifests,
    /// Both.
    All,
}

/// A word that is none of a filter's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {expected}")]
pub struct UnknownWord {
    word: String,
    expected: &'static str,
}

impl RegistryFilter {
    /// What the paper replays (Wang et al., FAST'20, section 5.2): GETs of blobs, of any status.
    pub const PAPER: RegistryFilter =
        RegistryFilter { methods: Vec::new(), resources: Resources::Blobs, statuses: Vec::new() };

    /// The methods that are kept.
    fn methods(&self) -> &[Method] {
        if self.methods.is_empty() { &[Method(Op::Get)] } else { &self.methods }
    }

    /// What a record asks for if it is kept, and else what it is, in the plural.
    pub(crate) fn test(&self, method: &[u8], uri: &[u8], status: u16) -> Kept {
        let resource = Resource::of(uri);
        let wanted = match self.resources {
            Resources::All => resource != Resource::Ping,
            Resources::Blobs => resource == Resource::Blob,
            Resources::Manifests => resource == Resource::Manifest,
        };
        let Some(op) = classify(method) else { return Kept::Ignored };
        if !wanted {
            return Kept::No(resource.plural());
        }
        if !self.methods().contains(&Method(op)) {
            return Kept::No(match op {
                Op::Get => "GETs",
                Op::Put => "PUTs",
                Op::Delete => "DELETEs",
            });
        }
        if !self.statuses.is_empty() && !self.statuses.contains(&status) {
            return Kept::No("of another status");
        }
        Kept::Yes(op)
    }

    /// What is kept, for the user to read.
    pub(crate) fn shown(&self) -> String {
        let methods: Vec<&str> = self
            .methods()
            .iter()
            .map(|it| match it.0 {
                Op::Get => "GETs",
                Op::Put => "PUTs",
                Op::Delete => "DELETEs",
            })
            .collect();
        let status = if self.statuses.is_empty() {
            "any status".to_owned()
        } else {
            let codes: Vec<String> = self.statuses.iter().map(ToString::to_string).collect();
            format!("status {}", codes.join(" or "))
        };
        let (methods, resources) = (methods.join(" and "), self.resources);
        format!("{methods} of {resources}, of {status}, keyed by the whole URI")
    }
}

/// Whether a record is a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes(Op),
    /// It is this instead, in the plural.
    No(&'static str),
    /// Its method moves no object.
    Ignored,
}

/// Whether a URI is read as that of a blob.
pub(crate) fn is_blob(uri: &[u8]) -> bool {
    Resource::of(uri) == Resource::Blob
}

/// What a URI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource {
    Blob,
    Manifest,
    Ping,
    Other,
}

impl Resource {
    fn of(uri: &[u8]) -> Resource {
        let uri = uri.strip_prefix(b"/").unwrap_or(uri);
        if matches!(uri, b"v2" | b"v2/") {
            return Resource::Ping;
        }
        // The digest is the last part, and the word before it says what of.
        let mut parts = uri.rsplit(|it| *it == b'/').skip(1);
        let mut word = parts.next();
        if word == Some(b"uploads") {
            word = parts.next();
        }
        match word {
            Some(b"blobs") => Resource::Blob,
            Some(b"manifests") => Resource::Manifest,
            _ => Resource::Other,
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Resource::Blob => "blobs",
            Resource::Manifest => "manifests",
            Resource::Ping => "pings",
            Resource::Other => "other resources",
        }
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resources::Blobs => "blobs",
            Resources::Manifests => "manifests",
            Resources::All => "blobs and manifests",
        })
    }
}

impl str::FromStr for Resources {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Resources, UnknownWord> {
        match text {
            "only" => Ok(Resources::Blobs),
            "none" => Ok(Resources::Manifests),
            "any" => Ok(Resources::All),
            _ => Err(UnknownWord { word: text.to_owned(), expected: "`only`, `none`, `any`" }),
        }
    }
}

impl str::FromStr for Method {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Method, UnknownWord> {
        let expected = "`GET`, `PUT`, `DELETE` (other methods move no object)";
        let op = classify(text.as_bytes());
        op.map(Method).ok_or_else(|| UnknownWord { word: text.to_owned(), expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_paper_replays_and_what_a_user_may() {
        let check = |filter: &RegistryFilter, method: &str, uri: &str, status, expect: Kept| {
            assert_eq!(filter.test(method.as_bytes(), uri.as_bytes(), status), expect, "{uri}");
        };
        let paper = RegistryFilter::PAPER;
        check(&paper, "GET", "v2/1/2/blobs/3", 206, Kept::Yes(Op::Get));
        check(&paper, "GET", "/v2/1/2/blobs/3", 200, Kept::Yes(Op::Get));
        check(&paper, "GET", "v2/1/2/manifests/3", 200, Kept::No("manifests"));
        check(&paper, "GET", "v2", 200, Kept::No("pings"));
        check(&paper, "GET", "v2/_catalog", 200, Kept::No("other resources"));
        check(&paper, "PUT", "v2/1/2/blobs/uploads/3", 201, Kept::No("PUTs"));
        check(&paper, "HEAD", "v2/1/2/blobs/3", 200, Kept::Ignored);
        let other = RegistryFilter {
            methods: vec![Method(Op::Put), Method(Op::Delete)],
            resources: Resources::All,
            statuses: vec![201],
        };
        check(&other, "PUT", "v2/1/2/manifests/3", 201, Kept::Yes(Op::Put));
        check(&other, "PUT", "v2/1/2/manifests/3", 500, Kept::No("of another status"));
        check(&other, "GET", "v2/1/2/blobs/3", 201, Kept::No("GETs"));
        assert_eq!(
            other.shown(),
            "PUTs and DELETEs of blobs and manifests, of status 201, keyed by the whole URI"
        );
        assert_eq!(paper.shown(), "GETs of blobs, of any status, keyed by the whole URI");
    }
}
