//! What is never in a line, whoever it is about.

/// With so many letters after it, `eyJ` begins a JWT: it is `{"` in base64.
const LETTERS_OF_A_TOKEN: usize = 10;

/// What an address has in its middle, in a URL too.
const ATS: [&str; 2] = ["@", "%40"];

/// An address in a line.
pub(crate) fn address(line: &str) -> Option<&str> {
    ATS.into_iter().flat_map(|sign| line.match_indices(sign)).find_map(|(at, sign)| {
        let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        let (before, after) = (&line[..at], &line[at + sign.len()..]);
        let local = before.len() - before.trim_end_matches(is_local).len();
        let host = after[..after.len() - after.trim_start_matches(is_host).len()].trim_matches('.');
        let (_, top) = host.rsplit_once('.')?;
        let is_top = top.len() > 1 && top.chars().all(|c| c.is_ascii_alphabetic());
        (local > 0 && is_top).then(|| &line[at - local..at + sign.len() + host.len()])
    })
}

/// Whether a line holds a token.
pub(crate) fn token(line: &str) -> bool {
    line.match_indices("eyJ").any(|(at, _)| {
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let rest = line[at + 3..].chars().take_while(|c| is_base64(*c));
        !line[..at].ends_with(is_base64) && rest.count() >= LETTERS_OF_A_TOKEN
    })
}

/// Whether a line holds a URL with a password in it.
pub(crate) fn password(line: &str) -> bool {
    line.match_indices("://").any(|(at, _)| {
        let rest = &line[at + 3..];
        let end = rest.find(|c: char| c == '/' || c == '"' || c.is_whitespace());
        let authority = &rest[..end.unwrap_or(rest.len())];
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Whether a line holds a value that is not a part of a longer word.
pub(crate) fn holds(line: &str, value: &str) -> bool {
    line.match_indices(value).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + value.len()..]);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    })
}
