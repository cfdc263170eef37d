//! What the classifier sees of a sentence: single words, word pairs and groups of three to five
//! letters, each hashed to one number. Han signs are words of one sign, so pairs and triples of
//! words stand in for letter groups there.

/// One feature and how strongly it stands in the sentence.
pub type Feature = (u32, f32);

/// Words of one sentence that are looked at.
const WORDS_MAX: usize = 120;
/// Letters of one word that are looked at.
const LETTERS_MAX: usize = 24;
/// Share of the letter groups beside the words. A slip of the recogniser spoils a word but few
/// of its groups.
const GROUPS_WEIGHT: f32 = 0.7;

/// The features of a sentence cut into lower-case `words`, sorted, each once, with counts.
pub fn features(words: &[&str]) -> Vec<Feature> {
    let mut raw: Vec<(u32, bool)> = Vec::new();
    let words = words.get(..WORDS_MAX).unwrap_or(words);
    let figure = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let words: Vec<&str> =
        words.iter().map(|word| if figure(word) { "0" } else { *word }).collect();
    let mut edge = vec!["^"];
    edge.extend(&words);
    edge.push("$");
    for word in &words {
        raw.push((hash(1, &[word]), false));
    }
    for pair in edge.windows(2) {
        raw.push((hash(2, pair), false));
    }
    for triple in edge.windows(3) {
        if triple.iter().all(|word| word.chars().count() == 1) {
            raw.push((hash(3, triple), false));
        }
    }
    for word in &words {
        groups(word, &mut raw);
    }
    raw.sort_unstable();
    let mut out: Vec<Feature> = Vec::with_capacity(raw.len());
    for (place, group) in raw {
        let weight = if group { GROUPS_WEIGHT } else { 1.0 };
        match out.last_mut() {
            Some(last) if last.0 == place => last.1 += weight,
            Some(_) | None => out.push((place, weight)),
        }
    }
    for feature in &mut out {
        // A word said three times says little more than once.
        feature.1 = feature.1.min(1.0) + (feature.1.max(1.0)).ln();
    }
    out
}

/// The features of one word alone: itself and its letter groups.
pub(super) fn of_word(word: &str) -> Vec<Feature> {
    let mut raw = vec![(hash(1, &[word]), false)];
    groups(word, &mut raw);
    raw.into_iter().map(|(place, _)| (place, 1.0)).collect()
}

/// The feature of a pair of words.
pub(super) fn of_pair(pair: &[&str]) -> Vec<Feature> {
    vec![(hash(2, pair), 1.0)]
}

/// Groups of three to five letters inside a word and its edges.
fn groups(word: &str, out: &mut Vec<(u32, bool)>) {
    let letters: Vec<char> = std::iter::once(' ')
        .chain(word.chars().take(LETTERS_MAX))
        .chain(std::iter::once(' '))
        .collect();
    for size in 3..=5 {
        for group in letters.windows(size) {
            let text: String = group.iter().collect();
            out.push((hash(4, &[&text]), true));
        }
    }
}

/// FNV-1a over kind and parts, folded to 32 bits.
fn hash(kind: u8, parts: &[&str]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    for byte in std::iter::once(kind).chain(bytes) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}
