//! Example sentences as the operator writes them: `(when|what time) do you [usually] open`
//! stands for four sentences. Groups may hold groups. Out come plain sentences.

/// Sentences that one line stands for; of more, some are taken, evenly spread.
pub const VARIANTS_MAX: usize = 12;
/// Groups inside groups.
const DEPTH_MAX: usize = 6;

#[derive(Debug)]
enum Part {
    Plain(String),
    /// One of these.
    Choice(Vec<Vec<Part>>),
}

/// The sentences that `line` stands for, at most [`VARIANTS_MAX`]; an error says what was
/// expected.
pub fn expand(line: &str) -> Result<Vec<String>, String> {
    let mut signs = line.chars().peekable();
    let parts = sequence(&mut signs, 0, None)?;
    let count = variants(&parts);
    let taken = count.min(VARIANTS_MAX as u64);
    let mut out: Vec<String> = (0..taken)
        .map(|number| {
            // Spread over all, and not in step with the sizes of the groups.
            let mut choice =
                if count > taken { (number * count + number * 7) / taken } else { number };
            let mut text = String::new();
            write(&parts, &mut choice, &mut text);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .filter(|text| !text.is_empty())
        .collect();
    out.sort();
    out.dedup();
    Ok(out)
}

type Signs<'s> = std::iter::Peekable<std::str::Chars<'s>>;

/// Parts up to the end, or up to `|` or the closing sign of the group.
fn sequence(signs: &mut Signs<'_>, depth: usize, close: Option<char>) -> Result<Vec<Part>, String> {
    let mut out = Vec::new();
    let mut plain = String::new();
    while let Some(&sign) = signs.peek() {
        match sign {
            '(' | '[' => {
                out.push(Part::Plain(std::mem::take(&mut plain)));
                signs.next();
                out.push(group(signs, depth + 1, if sign == '(' { ')' } else { ']' })?);
            }
            '|' if close.is_some() => break,
            ')' | ']' if close == Some(sign) => break,
            '|' | ')' | ']' => return Err(format!("no {sign:?} outside ( ) or [ ]")),
            _ => {
                plain.push(sign);
                signs.next();
            }
        }
    }
    out.push(Part::Plain(plain));
    Ok(out)
}

fn group(signs: &mut Signs<'_>, depth: usize, close: char) -> Result<Part, String> {
    if depth > DEPTH_MAX {
        return Err(format!("at most {DEPTH_MAX} groups inside each other"));
    }
    let mut choices = Vec::new();
    loop {
        choices.push(sequence(signs, depth, Some(close))?);
        match signs.next() {
            Some('|') => {}
            Some(_) => break,
            None => return Err(format!("a closing {close:?}")),
        }
    }
    if close == ']' {
        choices.push(Vec::new());
    }
    Ok(Part::Choice(choices))
}

fn variants(parts: &[Part]) -> u64 {
    parts
        .iter()
        .map(|part| match part {
            Part::Plain(_) => 1,
            Part::Choice(choices) => choices.iter().map(|choice| variants(choice)).sum(),
        })
        .fold(1_u64, |all: u64, one: u64| all.saturating_mul(one))
}

/// Writes variant `choice` of `parts`, using up what it stands for.
fn write(parts: &[Part], choice: &mut u64, out: &mut String) {
    for part in parts {
        match part {
            Part::Plain(text) => out.push_str(text),
            Part::Choice(choices) => {
                let all: u64 = choices.iter().map(|one| variants(one)).sum();
                let mut at = *choice % all.max(1);
                *choice /= all.max(1);
                for one in choices {
                    let here = variants(one);
                    if at < here {
                        write(one, &mut at, out);
                        break;
                    }
                    at -= here;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_for_all_its_choices() {
        let found = expand("(when|what time) do you [usually] open").expect("well written");
        let expected = [
            "what time do you open",
            "what time do you usually open",
            "when do you open",
            "when do you usually open",
        ];
        assert_eq!(found, expected);
        assert_eq!(expand("a (b (c|d)|e) f").expect("nested"), ["a b c f", "a b d f", "a e f"]);
        assert_eq!(expand("where('s| is) it").expect("joined"), ["where is it", "where's it"]);
        assert_eq!(expand("plain words").expect("plain"), ["plain words"]);
    }

    #[test]
    fn of_very_many_some_are_taken_evenly() {
        let found = expand("(a|b|c|d) (e|f|g|h) (i|j|k|l) (m|n|o|p)").expect("well written");
        assert!(found.len() > VARIANTS_MAX / 2 && found.len() <= VARIANTS_MAX, "{found:?}");
        for word in ["a", "d", "e", "h"] {
            assert!(found.iter().any(|text| text.split(' ').any(|one| one == word)), "{word}");
        }
    }

    #[test]
    fn what_does_not_close_is_told() {
        for wrong in ["(a|b", "a|b", "a) b", "[a", &"(".repeat(20)] {
            assert!(expand(wrong).is_err(), "{wrong}");
        }
    }
}
