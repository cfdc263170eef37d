//! What recognisers write in a language, and what it is worth: some of it is written for noise,
//! some for a breath, and some only says "I am listening". Part of the language's tables.

use std::collections::HashSet;

/// So many murmurs in a row are still one.
const BACKCHANNELS_MAX: usize = 4;

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
    /// Given to the recogniser as the text before a turn, as if we had asked it: a context cut to
    /// the turn errs less with it. Empty for none; nobody is believed to have said it.
    pub text_before: String,
}

impl HeardTable {
    /// The standing of `text`, in whatever case and with whatever punctuation.
    pub fn standing(&self, text: &str) -> Standing {
        let plain = plain(text);
        let ours = !plain.is_empty() && plain == self::plain(&self.text_before);
        if ours || self.invented.contains(&plain) {
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

impl HeardTable {
    /// Whether a `plain` text is a backchannel, or a few in a row.
    pub fn is_backchannel(&self, plain: &str) -> bool {
        if self.backchannels.contains(plain) {
            return true;
        }
        let words: Vec<&str> = plain.split_whitespace().collect();
        let several = (2..=BACKCHANNELS_MAX).contains(&words.len());
        several && words.iter().all(|word| self.backchannels.contains(*word))
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
            // What we told the recogniser ourselves.
            (understander.text_before(&Language::english()), "en", Standing::Invented),
            ("", "en", Standing::Usual),
            ("Where is my order?", "en", Standing::Usual),
            ("转人工", "zh", Standing::Usual),
        ] {
            assert_eq!(standing(text, code), expected, "{text} in {code}");
        }
        let murmur = |text: &str, code: &str| {
            understander.is_backchannel(text, &Language::new(code).expect("a code"))
        };
        assert!(murmur("Uh-huh.", "en") && murmur("嗯。", "zh") && murmur("OK", "zh"));
        assert!(murmur("Oh. Oh.", "en") && murmur("M M M", "en") && murmur("Okay, right.", "en"));
        assert!(!murmur("Okay, agent.", "en") && !murmur("No, no.", "en") && !murmur("", "en"));
        assert!(!murmur("oh oh oh oh oh", "en"), "that is somebody who wants something");
        assert!(!murmur("嗯。", "en") && !murmur("No.", "en") && !murmur("不", "zh"));
    }
}
