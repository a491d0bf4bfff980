//! The words by which traces name an operation.

use units::Op;

/// What stores an object, or changes one that is stored.
const WRITES: [&str; 12] = [
    "put",
    "set",
    "write",
    "w",
    "putobject",
    "add",
    "replace",
    "cas",
    "append",
    "prepend",
    "incr",
    "decr",
];

/// What `word` asks for, or `None` for an operation that moves no object (HEAD, POST, a word
/// unknown here).
///
/// Reads `GET`, `get`, `gets`, `read`, `REST.GET.OBJECT`, `GET_LEASE` and the like: a `REST.`
/// in front is skipped, and the letters that follow decide.
pub(crate) fn classify(word: &[u8]) -> Option<Op> {
    let verb = verb(word);
    if is_any(verb, &["get", "gets", "read", "r", "getobject"]) {
        Some(Op::Get)
    } else if is_any(verb, &WRITES) {
        Some(Op::Put)
    } else if is_any(verb, &["delete", "del", "remove", "deleteobject"]) {
        Some(Op::Delete)
    } else {
        None
    }
}

/// Whether `word` names an operation at all, known here or only to be left out.
pub(crate) fn is_operation(word: &[u8]) -> bool {
    const LEFT_OUT: [&str; 9] =
        ["head", "headobject", "post", "patch", "options", "copy", "list", "touch", "ping"];
    classify(word).is_some() || is_any(verb(word), &LEFT_OUT)
}

/// The letters of `word` that name an operation.
fn verb(word: &[u8]) -> &[u8] {
    let word = word.trim_ascii();
    let verb = match word.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case(b"rest.") => &word[5..],
        _ => word,
    };
    let n_letters = verb.iter().position(|it| !it.is_ascii_alphabetic()).unwrap_or(verb.len());
    &verb[..n_letters]
}

fn is_any(verb: &[u8], words: &[&str]) -> bool {
    words.iter().any(|it| verb.eq_ignore_ascii_case(it.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_traces() {
        let check = |words: &str, expect: Option<Op>| {
            for word in words.split(' ') {
                assert_eq!(classify(word.as_bytes()), expect, "{word}");
            }
        };
        check(
            "GET get Get gets read READ r GetObject REST.GET.OBJECT rest.get.object GET_LEASE",
            Some(Op::Get),
        );
        check("cas append prepend incr decr W PutObject", Some(Op::Put));
        check("PUT put SET set write ADD replace REST.PUT.OBJECT REST.PUT.PART", Some(Op::Put));
        check("DELETE del Remove REST.DELETE.OBJECT", Some(Op::Delete));
        check("HEAD head POST PATCH REST.HEAD.OBJECT REST.COPY.OBJECT getaway 1 -", None);
        assert_eq!(classify(b" GET "), Some(Op::Get));
        assert_eq!(classify(b""), None);
    }

    #[test]
    fn a_content_type_is_no_operation() {
        assert!(is_operation(b"HEAD"));
        assert!(is_operation(b"get"));
        assert!(is_operation(b"REST.COPY.OBJECT"));
        assert!(!is_operation(b"image/png"));
        assert!(!is_operation(b"fetch"));
    }
}
