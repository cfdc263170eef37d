//! Amounts of money and percentages: `€12.50`, `12,50 EUR`, `$1.5 million`, `10-15%`.

use super::super::number::cardinal;
use super::{number, range};

/// Currencies: sign, code, one, many, hundredth, hundredths.
const CURRENCIES: [(&str, &str, [&str; 4]); 5] = [
    ("€", "EUR", ["euro", "euros", "cent", "cents"]),
    ("$", "USD", ["dollar", "dollars", "cent", "cents"]),
    ("Fr.", "CHF", ["franc", "francs", "centime", "centimes"]),
    ("¥", "JPY", ["yen", "yen", "sen", "sen"]),
    ("£", "GBP", ["pound", "pounds", "penny", "pence"]),
];

/// `€12.50`, `$5`, `12.50€`.
pub fn amount(word: &str) -> Option<String> {
    if let Some(rest) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
        return Some(format!("minus {}", amount(rest)?));
    }
    CURRENCIES.iter().find_map(|(sign, code, names)| {
        let figure = word
            .strip_prefix(sign)
            .or_else(|| word.strip_suffix(sign))
            .or_else(|| word.strip_suffix(code))?;
        // `$20/month`.
        match figure.split_once('/') {
            Some((figure, per)) if per.chars().all(char::is_alphabetic) => {
                Some(format!("{} per {per}", money(figure, names)?))
            }
            Some(_) | None => money(figure, names),
        }
    })
}

/// `12.50 EUR`, `EUR 12.50`, `$1.5 million`.
pub fn amount_in_two(word: &str, next: &str) -> Option<String> {
    if matches!(next, "thousand" | "million" | "billion" | "trillion") {
        let (figure, [_, many, ..]) = CURRENCIES
            .iter()
            .find_map(|(sign, _, names)| word.strip_prefix(sign).map(|rest| (rest, names)))?;
        return Some(format!("{} {next} {many}", number(figure)?));
    }
    if let Some((_, _, names)) = CURRENCIES.iter().find(|(_, code, _)| word == *code) {
        return money(next, names);
    }
    let (_, _, names) = CURRENCIES.iter().find(|(sign, code, _)| next == *code || next == *sign)?;
    money(word, names)
}

fn money(figure: &str, names: &[&str; 4]) -> Option<String> {
    if let Some(figure) = figure.strip_prefix('-') {
        return Some(format!("minus {}", money(figure, names)?));
    }
    let figure = match figure.rsplit_once(',') {
        // `12,50`: a comma before two figures is Europe's point.
        Some((whole, cents)) if cents.len() == 2 => format!("{}.{cents}", whole.replace('.', "")),
        _ => figure.replace(',', ""),
    };
    let (whole, part) = figure.split_once('.').unwrap_or((&figure, ""));
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = match part.len() {
        0 => 0,
        1 => part.parse::<u64>().ok()? * 10,
        2 => part.parse().ok()?,
        _ => return None,
    };
    let [one, many, hundredth, hundredths] = names;
    let units = format!("{} {}", cardinal(whole), if whole == 1 { one } else { many });
    let cents = format!("{} {}", cardinal(part), if part == 1 { hundredth } else { hundredths });
    Some(match (whole, part) {
        (_, 0) => units,
        (0, _) => cents,
        (_, _) => format!("{units} and {cents}"),
    })
}

pub fn percentage(word: &str) -> Option<String> {
    let figure = word.strip_suffix('%')?;
    let spoken = number(figure).or_else(|| range(figure))?;
    Some(format!("{spoken} percent"))
}
