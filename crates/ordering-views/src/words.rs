//! What a search finds a row by.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The longest word that is kept, in bytes; a lexeme of a `tsvector` has less than 2 KiB.
const LONGEST: usize = 200;

/// The words of a text: runs of letters and digits, lower case, without accents. The same
/// function reads a row and a search, so that both always agree on what a word is.
pub(crate) fn words(text: &str) -> Vec<String> {
    let plain: String =
        text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST / 4).collect())
        .collect()
}

/// The words of several texts, as the column `words` holds them.
pub(crate) fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().flat_map(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_whatever_its_case_and_accents() {
        assert_eq!(words("JALAPEÑO Crème"), ["jalapeno", "creme"]);
    }

    #[test]
    fn punctuation_only_parts_words() {
        assert_eq!(words("BEV/JUICE 50-100%"), ["bev", "juice", "50", "100"]);
        assert_eq!(words(" %&/ '\" \\ "), [""; 0]);
    }
}
