//! What a person types into the search field, as an expression of FTS5.

use super::limits::SEARCH_WORDS_MAX;

/// All words must occur, the last one may be a beginning. Operators and quotes lose their
/// meaning; a text without any word matches nothing.
pub fn match_expression(text: &str) -> String {
    let words: Vec<String> = text
        .split(|symbol: char| !symbol.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(SEARCH_WORDS_MAX)
        .map(|word| format!("\"{word}\""))
        .collect();
    if words.is_empty() { "\"\"".into() } else { format!("{}*", words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_words() {
        assert_eq!(match_expression("order NOT late"), "\"order\" \"NOT\" \"late\"*");
        assert_eq!(match_expression("a\" OR \"b*:^("), "\"a\" \"OR\" \"b\"*");
        assert_eq!(match_expression("  '%; "), "\"\"");
    }
}
