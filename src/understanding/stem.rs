//! Brings forms of a word together: light English stemming, edit distance and a sound key for
//! words that the recogniser spelled differently.

use std::collections::HashMap;

/// How a language's words are brought together.
#[derive(Clone, Debug, Default)]
pub struct Stemmer {
    pub english: bool,
    /// Irregular forms: `stolen` → `steal`. They come before every rule.
    pub forms: HashMap<String, String>,
}

impl Stemmer {
    /// The common form of `word`, which must be lower case.
    pub fn stem(&self, word: &str) -> String {
        if let Some(form) = self.forms.get(word) {
            return form.clone();
        }
        if !self.english || !word.is_ascii() || word.len() < 4 {
            return word.to_owned();
        }
        drop_e(&english(word))
    }
}

fn english(word: &str) -> String {
    if let Some(head) = word.strip_suffix("ies").filter(|head| head.len() >= 2) {
        return format!("{head}y");
    }
    if let Some(head) = word.strip_suffix("ied").filter(|head| head.len() >= 2) {
        return format!("{head}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    for ending in ["ing", "ed"] {
        if let Some(head) = word.strip_suffix(ending).filter(|head| head.len() >= 3)
            && head.bytes().any(|byte| b"aeiouy".contains(&byte))
        {
            return undouble(head).to_owned();
        }
    }
    let plural = word.ends_with('s')
        && !word.ends_with("ss")
        && !word.ends_with("us")
        && !word.ends_with("is");
    if plural { word[..word.len() - 1].to_owned() } else { word.to_owned() }
}

/// `stopp` → `stop`, but `call`, `miss` and `pass` stay.
fn undouble(head: &str) -> &str {
    let mut last = head.bytes().rev();
    match (last.next(), last.next()) {
        (Some(a), Some(b)) if a == b && b"bdgmnprt".contains(&a) => &head[..head.len() - 1],
        (Some(_) | None, _) => head,
    }
}

/// `charge` → `charg` as `charg-ing`, `cancell` → `cancel`; short words stay apart (`care`, `car`).
fn drop_e(word: &str) -> String {
    if word.len() < 5 {
        return word.to_owned();
    }
    let word = word.strip_suffix('e').unwrap_or(word);
    if word.ends_with("ll") && word.len() > 4 {
        return word[..word.len() - 1].to_owned();
    }
    word.to_owned()
}

/// Letters to change, add, drop or swap with a neighbour to get from one word to the other;
/// gives up (`None`) above `max`.
pub fn distance(left: &str, right: &str, max: usize) -> Option<usize> {
    // Nearly all words that are compared differ too much in length: seen without allocating.
    if left.chars().count().abs_diff(right.chars().count()) > max {
        return None;
    }
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let width = right.len() + 1;
    let mut older: Vec<usize> = vec![usize::MAX / 2; width];
    let mut old: Vec<usize> = (0..width).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, b) in right.iter().enumerate() {
            let change = old[j] + usize::from(a != b);
            let mut best = change.min(old[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(older[j - 1] + 1);
            }
            row.push(best);
        }
        if row.iter().all(|cell| *cell > max) {
            return None;
        }
        older = std::mem::replace(&mut old, row);
    }
    old.last().copied().filter(|cell| *cell <= max)
}

/// A rough key of how an English word sounds: first letter, then consonant classes without
/// repeats, at most six signs. Words of other scripts have none.
pub fn sound_key(word: &str) -> Option<String> {
    if !word.is_ascii() || word.len() < 4 {
        return None;
    }
    let word = word.replace("ph", "f").replace("ck", "k").replace("gh", "").replace("kn", "n");
    let mut key = String::new();
    let mut last = '\0';
    for (place, letter) in word.chars().enumerate() {
        let class = match letter {
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w' if place > 0 => '\0',
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w' => letter,
            'b' | 'p' => 'p',
            'd' | 't' => 't',
            'c' | 'g' | 'k' | 'q' | 'j' | 'x' => 'k',
            's' | 'z' => 's',
            'f' | 'v' => 'f',
            'm' | 'n' => 'n',
            other => other,
        };
        if class != '\0' && class != last && key.len() < 6 {
            key.push(class);
        }
        last = class;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_come_together() {
        let stemmer =
            Stemmer { english: true, forms: HashMap::from([("stolen".into(), "steal".into())]) };
        for (left, right) in [
            ("charged", "charge"),
            ("charging", "charges"),
            ("deliveries", "delivery"),
            ("cancelled", "cancelling"),
            ("stopped", "stop"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("stolen", "steal"),
            ("ordered", "orders"),
            ("tried", "try"),
        ] {
            assert_eq!(stemmer.stem(left), stemmer.stem(right), "{left} {right}");
        }
        for (left, right) in [("here", "her"), ("care", "car"), ("bus", "bu"), ("bill", "billion")]
        {
            assert_ne!(stemmer.stem(left), stemmer.stem(right), "{left} {right}");
        }
    }

    #[test]
    fn distance_counts_edits_and_gives_up() {
        assert_eq!(distance("refund", "refond", 1), Some(1));
        assert_eq!(distance("invoice", "invocie", 1), Some(1), "a swap is one");
        assert_eq!(distance("invoice", "voice", 1), None);
        assert_eq!(distance("", "", 0), Some(0));
    }

    #[test]
    fn what_sounds_alike_has_one_key() {
        assert_eq!(sound_key("refund"), sound_key("reefund"));
        assert_eq!(sound_key("delivery"), sound_key("dellivvery"));
        assert_ne!(sound_key("refund"), sound_key("deliver"));
        assert_eq!(sound_key("退款"), None);
    }
}
