//! Commands typed by hand: words on a line, some in quotes.

/// Splits a line into its words the way Redis does, and hands over each; `None` when a quote is not closed, or is
/// closed in the middle of a word.
///
/// Double quotes know `\n \r \t \b \a \xHH` and a backslash before anything else; single quotes know `\'`. A NUL ends
/// the line.
pub(super) fn split(line: &[u8], scratch: &mut Vec<u8>, word: &mut dyn FnMut(&[u8])) -> Option<()> {
    let line = &line[..memchr::memchr(0, line).unwrap_or(line.len())];
    let mut at = 0;
    loop {
        while line.get(at).is_some_and(|byte| is_space(*byte)) {
            at += 1;
        }
        if at == line.len() {
            return Some(());
        }
        scratch.clear();
        at = one(line, at, scratch)?;
        word(scratch);
    }
}

/// Reads the word at `at`; gives where it ends.
fn one(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match line.get(at) {
            None | Some(b' ' | b'\n' | b'\r' | b'\t') => return Some(at),
            Some(b'"') => return quoted(line, at + 1, word),
            Some(b'\'') => return single_quoted(line, at + 1, word),
            Some(byte) => word.push(*byte),
        }
        at += 1;
    }
}

fn quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(at)? {
            b'"' => return end_of_quote(line, at),
            b'\\' => match *line.get(at + 1)? {
                b'x' if hexadecimal(line, at + 2).is_some() => {
                    word.push(hexadecimal(line, at + 2)?);
                    at += 4;
                }
                escaped => {
                    word.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 8,
                        b'a' => 7,
                        other => other,
                    });
                    at += 2;
                }
            },
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

fn single_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(at)? {
            b'\'' => return end_of_quote(line, at),
            b'\\' if line.get(at + 1) == Some(&b'\'') => {
                word.push(b'\'');
                at += 2;
            }
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

/// A closing quote must be followed by white space or the end.
fn end_of_quote(line: &[u8], at: usize) -> Option<usize> {
    match line.get(at + 1) {
        Some(byte) if !is_space(*byte) => None,
        _ => Some(at + 1),
    }
}

fn hexadecimal(line: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| (*line.get(at)? as char).to_digit(16);
    Some((digit(at)? << 4 | digit(at + 1)?) as u8)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut words = Vec::new();
        split(line, &mut Vec::new(), &mut |word| words.push(word.to_vec()))?;
        Some(words)
    }

    #[test]
    fn words_are_split_as_redis_does() {
        for (line, expected) in [
            (&b""[..], &[][..]),
            (b"  \t ", &[]),
            (b" PING  ", &[&b"PING"[..]]),
            (b"set k \"a b\"", &[b"set", b"k", b"a b"]),
            (b"a \"\\x41\\n\\q\\xZZ\" 'it\\'s \\n'", &[b"a", b"A\nqxZZ", b"it's \\n"]),
            (b"a\"b c\" d", &[b"ab c", b"d"]),
            (b"'' \"\"", &[b"", b""]),
            (b"PING\0ignored \"", &[b"PING"]),
            (b"\xff\xfe 1", &[b"\xff\xfe", b"1"]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line:?}");
        }
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [&b"\"abc"[..], b"'abc", b"\"abc\"d", b"'abc'd", b"a \"b\\", b"\"a\0\""] {
            assert_eq!(words(line), None, "{line:?}");
        }
    }
}
