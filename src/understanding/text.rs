//! Cuts what was said into words: lower case, NFKC, contractions opened, Han signs one by one.
//! Every word keeps its place in the source, so that slots and masks can point back.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// Words of one utterance that are looked at; what follows is dropped.
pub const TOKENS_MAX: usize = 400;

/// One word, one run of digits or one Han sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Lower case, compatibility-normalised, without apostrophes.
    pub norm: String,
    /// Bytes of the source that it came from.
    pub start: usize,
    pub end: usize,
    /// The sign that ties it to the word before without a blank (`.`, `-`, `:` …); `'\0'` if the
    /// two touch, `' '` if a blank or more stands between them.
    pub glue: char,
    /// A comma, dash or stronger sign follows.
    pub clause_end: bool,
    /// A full stop, question or exclamation mark follows.
    pub sentence_end: bool,
    /// Written with a capital first letter.
    pub capital: bool,
}

impl Token {
    pub fn is_digits(&self) -> bool {
        !self.norm.is_empty() && self.norm.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The letter, if the word is a single Latin one.
    pub fn letter(&self) -> Option<char> {
        let mut signs = self.norm.chars();
        match (signs.next(), signs.next()) {
            (Some(sign), None) if sign.is_ascii_alphabetic() => Some(sign),
            (Some(_) | None, _) => None,
        }
    }
}

/// How a language writes its words; part of its tables.
#[derive(Clone, Debug, Default)]
pub struct Spelling {
    /// Whole words that open into others: `can't` → `can not`.
    pub contractions: HashMap<String, Vec<String>>,
    /// Endings that open: `n't` → `not`.
    pub endings: Vec<(String, Vec<String>)>,
    /// Other writings of one sign: traditional → simplified.
    pub variants: HashMap<char, char>,
}

/// `true` for the ideographs of Chinese (and Japanese kanji).
pub fn is_han(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' | '〇')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    Digits,
    Han,
    /// Currency signs and the like that mean something by themselves.
    Sign,
    Between,
}

fn kind(sign: char) -> Kind {
    if is_han(sign) {
        Kind::Han
    } else if sign.is_numeric() && sign.nfkc().all(|part| part.is_ascii_digit()) {
        Kind::Digits
    } else if sign.is_alphanumeric() || is_mark(sign) {
        Kind::Letters
    } else if matches!(sign, '$' | '€' | '£' | '¥' | '￥' | '%' | '@') {
        Kind::Sign
    } else {
        Kind::Between
    }
}

fn is_mark(sign: char) -> bool {
    matches!(sign, '\u{300}'..='\u{36f}')
}

fn is_apostrophe(sign: char) -> bool {
    matches!(sign, '\'' | '’' | '‘' | 'ʼ')
}

/// Cuts `text` into words. Never fails; at most [`TOKENS_MAX`] words.
pub fn tokens(text: &str, spelling: &Spelling) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut signs = text.char_indices().peekable();
    let mut glue = ' ';
    while let Some((start, sign)) = signs.next() {
        if out.len() >= TOKENS_MAX {
            break;
        }
        let this = kind(sign);
        if this == Kind::Between {
            glue = between(sign, glue, &mut out);
            continue;
        }
        let mut end = start + sign.len_utf8();
        if matches!(this, Kind::Letters | Kind::Digits) {
            while let Some(&(at, next)) = signs.peek() {
                let inner = this == Kind::Letters && is_apostrophe(next);
                if kind(next) != this && !inner {
                    break;
                }
                end = at + next.len_utf8();
                signs.next();
            }
        }
        push_word(text, start, end, glue, spelling, &mut out);
        glue = '\0';
    }
    out.truncate(TOKENS_MAX);
    out
}

/// Takes note of a sign between words; gives the glue that it leaves.
fn between(sign: char, glue: char, out: &mut [Token]) -> char {
    if let Some(last) = out.last_mut() {
        // A point or comma inside a number ends nothing; the number reader looks at the glue.
        last.clause_end |= matches!(sign, ',' | ';' | ':' | '—' | '–' | '，' | '、' | '；' | '：');
        last.sentence_end |= matches!(sign, '.' | '!' | '?' | '。' | '！' | '？' | '…');
        last.clause_end |= last.sentence_end;
    }
    if sign.is_whitespace() || glue != '\0' { ' ' } else { sign }
}

fn push_word(
    text: &str,
    start: usize,
    end: usize,
    glue: char,
    spelling: &Spelling,
    out: &mut Vec<Token>,
) {
    let Some(source) = text.get(start..end) else { return };
    let lower: String = source
        .nfkc()
        .flat_map(char::to_lowercase)
        .map(|sign| if is_apostrophe(sign) { '\'' } else { sign })
        .map(|sign| spelling.variants.get(&sign).copied().unwrap_or(sign))
        .collect();
    let lower = lower.trim_matches('\'');
    let capital = source.chars().next().is_some_and(char::is_uppercase);
    // A number that goes on (`12.50`, `15:30`) has no clause end inside.
    if glue != ' '
        && lower.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(last) = out.last_mut()
        && last.is_digits()
    {
        last.clause_end = false;
        last.sentence_end = false;
    }
    for (index, norm) in open(lower, spelling).into_iter().enumerate() {
        if norm.is_empty() {
            continue;
        }
        let glue = if index == 0 { glue } else { ' ' };
        let (clause_end, sentence_end) = (false, false);
        out.push(Token { norm, start, end, glue, clause_end, sentence_end, capital });
    }
}

/// Opens contractions: `don't` → `do`, `not`.
fn open(word: &str, spelling: &Spelling) -> Vec<String> {
    if let Some(parts) = spelling.contractions.get(word) {
        return parts.clone();
    }
    for (ending, parts) in &spelling.endings {
        if let Some(head) = word.strip_suffix(ending.as_str())
            && !head.is_empty()
        {
            let head = head.replace('\'', "");
            return std::iter::once(head).chain(parts.iter().cloned()).collect();
        }
    }
    vec![word.replace('\'', "")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let spelling = Spelling {
            contractions: HashMap::from([("can't".into(), vec!["can".into(), "not".into()])]),
            endings: vec![("n't".into(), vec!["not".into()]), ("'s".into(), vec![])],
            variants: HashMap::from([('錢', '钱')]),
        };
        let list: Vec<_> = tokens(text, &spelling).into_iter().map(|token| token.norm).collect();
        list.join("|")
    }

    #[test]
    fn cuts_words_as_they_are_meant() {
        for (text, expected) in [
            ("I don’t, I CAN'T!", "i|do|not|i|can|not"),
            ("order's no. A4217b", "order|no|a|4217|b"),
            ("ＡＢＣ １２３", "abc|123"),
            ("我要退錢。OK?", "我|要|退|钱|ok"),
            ("$12.50", "$|12|50"),
            ("'' … —", ""),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn keeps_places_and_ends() {
        let list = tokens("No, it is 12.50. Fine", &Spelling::default());
        let ends: Vec<_> = list.iter().map(|t| (t.clause_end, t.sentence_end)).collect();
        assert_eq!(ends.first(), Some(&(true, false)));
        assert_eq!(ends.get(3), Some(&(false, false)), "inside the number");
        assert_eq!(ends.get(4), Some(&(true, true)));
        assert_eq!(list.get(4).map(|t| t.glue), Some('.'));
    }
}
