//! What recognisers write in a language, and what it is worth: some of it is written for noise,
//! some for a breath, and some only says "I am listening". Part of the language's tables.

use std::collections::HashSet;

/// What is known of a whole text before it is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    #[default]
    Usual,
    /// Written for noise; no caller says it.
    Invented,
    /// Written for a breath or a click, and said by callers too.
    Doubtful,
    /// Among the shortest answers: to a question that has ended, little voice is enough.
    ShortAnswer,
}

/// `heard.toml`: texts without punctuation at their words' edges, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardTable {
    /// Said into a prompt; they interrupt nothing.
    pub backchannels: HashSet<String>,
    pub invented: HashSet<String>,
    pub doubtful: HashSet<String>,
    pub short_answers: HashSet<String>,
}

impl HeardTable {
    /// The standing of `text`, in whatever case and with whatever punctuation.
    pub fn standing(&self, text: &str) -> Standing {
        let plain = plain(text);
        if self.invented.contains(&plain) {
            Standing::Invented
        } else if self.short_answers.contains(&plain) {
            Standing::ShortAnswer
        } else if self.doubtful.contains(&plain) {
            Standing::Doubtful
        } else {
            Standing::Usual
        }
    }
}

/// Lower case, without punctuation at the edges of words.
pub fn plain(text: &str) -> String {
    let edge = |symbol: char| !symbol.is_alphanumeric();
    text.split_whitespace()
        .map(|word| word.trim_matches(edge).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::language::Language;
    use crate::understanding::{Tables, Understander};

    #[test]
    fn a_text_stands_as_its_language_says() {
        let understander = Understander::new(Tables::embedded_rules());
        let standing = |text: &str, code: &str| {
            understander.standing(text, &Language::new(code).expect("a code"))
        };
        for (text, code, expected) in [
            ("Thank you for watching!", "en", Standing::Invented),
            // No caller says it in any language.
            ("Thank you for watching!", "zh", Standing::Invented),
            ("请不吝点赞订阅转发打赏支持明镜与点点栏目", "en", Standing::Invented),
            ("Thank you.", "en", Standing::Doubtful),
            ("Yeah.", "en", Standing::ShortAnswer),
            ("Where is my order?", "en", Standing::Usual),
            ("转人工", "zh", Standing::Usual),
        ] {
            assert_eq!(standing(text, code), expected, "{text} in {code}");
        }
        let murmur = |text: &str, code: &str| {
            understander.is_backchannel(text, &Language::new(code).expect("a code"))
        };
        assert!(murmur("Uh-huh.", "en") && murmur("嗯。", "zh") && murmur("OK", "zh"));
        assert!(!murmur("嗯。", "en") && !murmur("No.", "en") && !murmur("不", "zh"));
    }
}
