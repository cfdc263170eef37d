//! From past cases to a first table: which known intents they speak of, which groups of them no
//! intent covers yet, sentences worth taking as examples, and what should stay with people.
//! Pure; a person reads the proposal before anything of it is used.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::card_number::redact;
use super::intent::words;
use super::tables::LanguageTables;

/// One past case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCase {
    /// What the caller said or wrote.
    pub text: String,
    /// How it ended, in the words of the operator's system.
    pub outcome: String,
    /// The intent that somebody gave it, where the file has one.
    pub label: Option<String>,
}

/// Cases that are looked at; more are left out, evenly.
pub const CASES_MAX: usize = 20_000;
/// Fewer cases alike make no intent.
const GROUP_MIN: usize = 4;
const GROUPS_MAX: usize = 60;
const EXAMPLES_MAX: usize = 12;
/// Longer texts are letters, not sentences.
const EXAMPLE_WORDS_MAX: usize = 25;
/// Confidence from which a case is taken for a known intent.
const KNOWN_MIN: f32 = 0.7;
/// Likeness from which two texts are about the same thing, 0 to 1.
const ALIKE_MIN: f32 = 0.34;
/// Shares of cases that people ended, from which an intent is yellow, and red.
const YELLOW_SHARE: f32 = 0.2;
const RED_SHARE: f32 = 0.6;
/// Parts of an outcome that say that a person ended it.
pub const PERSON_SIGNS: [&str; 14] = [
    "agent",
    "human",
    "person",
    "transfer",
    "escalat",
    "supervisor",
    "manager",
    "manual",
    "specialist",
    "staff",
    "complain",
    "legal",
    "goodwill",
    "dispute",
];

/// Who should serve an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The machine.
    Green,
    /// The machine drafts, a person decides.
    Yellow,
    /// A person at once.
    Red,
}

/// One proposed or known intent.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    pub name: String,
    /// `true`: the tables have it already.
    pub known: bool,
    pub cases: usize,
    /// Share of its cases that people ended, 0 to 1.
    pub by_people: f32,
    pub line: Line,
    /// Sentences that the tables do not understand well yet, without digits and names.
    pub examples: Vec<String>,
}

/// Reads `cases` with the tables of their language; `person_signs` mark outcomes of people.
/// The largest intents come first; the second value is how many cases fit nowhere.
pub fn propose(
    tables: &LanguageTables,
    cases: &[PastCase],
    person_signs: &[String],
) -> (Vec<Proposed>, usize) {
    let step = cases.len().div_ceil(CASES_MAX).max(1);
    let by_person = |case: &PastCase| {
        let outcome = case.outcome.to_lowercase();
        person_signs.iter().any(|sign| outcome.contains(sign.as_str()))
    };
    let mut groups: BTreeMap<(bool, String), Vec<&PastCase>> = BTreeMap::new();
    let mut strangers: Vec<&PastCase> = Vec::new();
    for case in cases.iter().step_by(step) {
        let name = case.label.as_deref().map(snake).or_else(|| understood(tables, &case.text));
        match name {
            Some(name) => {
                let known = tables.intents.iter().any(|one| one.id.as_str() == name);
                groups.entry((known, name)).or_default().push(case);
            }
            None => strangers.push(case),
        }
    }
    let (found, rest) = cluster(tables, &strangers);
    for (name, group) in found {
        groups.entry((false, name)).or_default().extend(group);
    }
    let mut out: Vec<Proposed> = groups
        .into_iter()
        .map(|((known, name), group)| {
            let people = group.iter().filter(|case| by_person(case)).count();
            let share = people as f32 / group.len().max(1) as f32;
            let line = match share {
                _ if share >= RED_SHARE => Line::Red,
                _ if share >= YELLOW_SHARE => Line::Yellow,
                _ => Line::Green,
            };
            let examples = examples(tables, &group, known.then_some(name.as_str()));
            Proposed { name, known, cases: group.len(), by_people: share, line, examples }
        })
        .collect();
    out.sort_by(|a, b| b.cases.cmp(&a.cases).then_with(|| a.name.cmp(&b.name)));
    (out, rest)
}

/// The intent that the tables see in `text`.
fn understood(tables: &LanguageTables, text: &str) -> Option<String> {
    let (best, _) = super::intent::best(tables, &tables.words.read(text));
    best.filter(|found| found.confidence >= KNOWN_MIN).map(|found| found.intent.to_string())
}

/// A label as a name of the tables: `Billing question` → `billing_question`.
fn snake(label: &str) -> String {
    let parts = label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name = parts.map(str::to_lowercase).collect::<Vec<_>>().join("_");
    if name.is_empty() { "unnamed".into() } else { name }
}

type Vector = HashMap<String, f32>;

/// Groups of texts that are alike, each named by its commonest words; and how many are left.
fn cluster<'c>(
    tables: &LanguageTables,
    cases: &[&'c PastCase],
) -> (Vec<(String, Vec<&'c PastCase>)>, usize) {
    let stems: Vec<Vec<String>> = cases.iter().map(|case| content(tables, &case.text)).collect();
    let mut having: HashMap<&str, usize> = HashMap::new();
    for list in &stems {
        for stem in list.iter().collect::<HashSet<_>>() {
            *having.entry(stem).or_default() += 1;
        }
    }
    let all = cases.len() as f32;
    let vectors: Vec<Vector> = stems
        .iter()
        .map(|list| {
            let mut out = Vector::new();
            for stem in list {
                let rare = (all / having.get(stem.as_str()).copied().unwrap_or(1) as f32).ln();
                out.insert(stem.clone(), rare + 1.0);
            }
            unit(out)
        })
        .collect();
    // Leaders: a text joins the group it is most like, or begins one.
    let mut leaders: Vec<(Vector, Vec<usize>)> = Vec::new();
    for (at, vector) in vectors.iter().enumerate() {
        let room = leaders.len() < GROUPS_MAX * 4;
        let nearest = leaders
            .iter_mut()
            .map(|leader| (likeness(&leader.0, vector), leader))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match nearest {
            Some((alike, (sum, members))) if alike >= ALIKE_MIN => {
                members.push(at);
                let share = 1.0 / members.len() as f32;
                for (stem, value) in vector {
                    *sum.entry(stem.clone()).or_default() += value * share;
                }
                *sum = unit(std::mem::take(sum));
            }
            Some(_) | None if !vector.is_empty() && room => {
                leaders.push((vector.clone(), vec![at]));
            }
            Some(_) | None => {}
        }
    }
    leaders.retain(|(_, members)| members.len() >= GROUP_MIN);
    leaders.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    leaders.truncate(GROUPS_MAX);
    let taken: usize = leaders.iter().map(|(_, members)| members.len()).sum();
    let named = leaders.into_iter().map(|(centre, members)| {
        let group = members.iter().filter_map(|at| cases.get(*at).copied()).collect();
        (name_of(&centre), group)
    });
    (named.collect(), cases.len() - taken)
}

/// The words of a text that carry it.
fn content(tables: &LanguageTables, text: &str) -> Vec<String> {
    let reading = tables.words.read(text);
    words(&reading)
        .into_iter()
        .filter(|word| !tables.function_words.contains(*word))
        .filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|word| tables.words.stemmer.stem(word))
        .collect()
}

fn unit(mut vector: Vector) -> Vector {
    let length = vector.values().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
    vector.values_mut().for_each(|value| *value /= length);
    vector
}

fn likeness(a: &Vector, b: &Vector) -> f32 {
    b.iter().filter_map(|(stem, value)| Some(a.get(stem)? * value)).sum()
}

fn name_of(centre: &Vector) -> String {
    let mut list: Vec<(&String, &f32)> = centre.iter().collect();
    list.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let top: Vec<&str> = list.iter().take(2).map(|(stem, _)| stem.as_str()).collect();
    snake(&format!("new {}", top.join(" ")))
}

/// Short sentences of a group that the tables do not know well, digits struck out.
fn examples(tables: &LanguageTables, group: &[&PastCase], intent: Option<&str>) -> Vec<String> {
    let mut seen: HashSet<Vec<String>> = HashSet::new();
    let mut list: Vec<(f32, String)> = Vec::new();
    for case in group {
        let text = plain(&case.text);
        let reading = tables.words.read(&text);
        let short = (2..=EXAMPLE_WORDS_MAX).contains(&reading.len());
        if !short || !seen.insert(content(tables, &text)) {
            continue;
        }
        let judged = super::intent::judge(tables, &reading);
        let known = judged.ranked.iter().find(|(name, _)| intent == Some(name.as_str()));
        list.push((known.map_or(0.0, |(_, share)| *share), text));
    }
    // What is understood worst teaches most.
    list.sort_by(|a, b| a.0.total_cmp(&b.0));
    list.into_iter().map(|(_, text)| text).take(EXAMPLES_MAX).collect()
}

/// Without card numbers, digits, addresses of mail, and what TOML or examples read as signs.
fn plain(text: &str) -> String {
    let text = redact(text);
    let words = text
        .split_whitespace()
        .filter(|word| !word.contains('@') && !word.bytes().any(|byte| byte.is_ascii_digit()));
    let joined = words.collect::<Vec<_>>().join(" ").to_lowercase();
    joined.chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '\'')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understanding::Tables;

    fn case(text: &str, outcome: &str) -> PastCase {
        PastCase { text: text.into(), outcome: outcome.into(), label: None }
    }

    fn run(cases: &[PastCase]) -> (Vec<Proposed>, usize) {
        let tables = Tables::embedded();
        let english = tables.languages().next().expect("English");
        let signs: Vec<String> = PERSON_SIGNS.iter().map(|sign| (*sign).to_owned()).collect();
        propose(english, cases, &signs)
    }

    #[test]
    fn cases_are_counted_for_what_they_are_and_people_keep_theirs() {
        let mut cases = Vec::new();
        for _ in 0..5 {
            cases.push(case("What are your opening hours?", "answered"));
            cases.push(case("You charged me twice, I want to dispute it", "escalated to agent"));
        }
        let (found, rest) = run(&cases);
        let get = |name: &str| found.iter().find(|one| one.name == name).expect(name);
        assert_eq!((get("opening_hours").cases, get("opening_hours").line), (5, Line::Green));
        let dispute = get("billing_dispute");
        assert_eq!((dispute.known, dispute.line, dispute.by_people), (true, Line::Red, 1.0));
        assert_eq!(rest, 0);
    }

    #[test]
    fn what_no_intent_covers_becomes_a_new_one_with_examples() {
        let cases = [
            "my zebra crossing permit expired",
            "renew the zebra crossing permit",
            "zebra crossing permit please",
            "how long is a zebra permit valid",
            "zebra crossing permit number 48213 renew",
            "quantum flamingo",
        ];
        let cases: Vec<PastCase> = cases.iter().map(|text| case(text, "closed")).collect();
        let (found, rest) = run(&cases);
        let new = found.iter().find(|one| !one.known).expect("a new intent");
        assert!(new.name.contains("zebra") || new.name.contains("permit"), "{new:?}");
        assert!(new.cases >= 4 && new.examples.len() >= 3, "{new:?}");
        let digits = |text: &String| text.bytes().any(|byte| byte.is_ascii_digit());
        assert!(!new.examples.iter().any(digits), "{new:?}");
        assert!(rest >= 1, "the flamingo fits nowhere");
    }

    #[test]
    fn labels_of_the_file_are_believed() {
        let mut cases = vec![case("bring the thing over", "done"), case("same again", "done")];
        for case in &mut cases {
            case.label = Some("House Call!".into());
        }
        let (found, _) = run(&cases);
        assert_eq!(found.first().map(|one| one.name.as_str()), Some("house_call"));
    }
}
