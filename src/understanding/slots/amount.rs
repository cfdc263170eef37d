//! Amounts of money: "twelve euros fifty", "$12.50", 十二块五 → `12.50 EUR`.

use super::{SlotReader, Taken};

/// All amounts with a currency; without one too where the dialogue asked for an amount.
pub fn amounts(reader: &SlotReader<'_>) -> Vec<Taken> {
    let mut out = Vec::new();
    let mut place = 0;
    while place < reader.reading.len() {
        match amount(reader, place) {
            Some(taken) => {
                place = taken.end.max(place + 1);
                out.push(taken);
            }
            None => place += 1,
        }
    }
    out
}

fn amount(reader: &SlotReader<'_>, place: usize) -> Option<Taken> {
    let slots = &reader.tables.slots;
    let currency = |at: usize| slots.currencies.get(reader.reading.norm(at));
    let is_cents = |at: usize| slots.cents.iter().any(|word| word == reader.reading.norm(at));
    // The sign first: "$12.50".
    if let Some(code) = currency(place)
        && let Some(number) = reader.numbers().cardinal(place + 1)
        && !reader.reading.norm(place).chars().all(char::is_alphabetic)
    {
        let value = written(number.whole, number.hundredths, code);
        return Some(taken(value, place, number.end));
    }
    let number = reader.numbers().cardinal(place)?;
    if is_cents(number.end) && number.hundredths.is_none() && number.whole < 100 {
        let code = any_currency(reader)?;
        return Some(taken(written(0, Some(number.whole as u8), code), place, number.end + 1));
    }
    let Some(code) = currency(number.end) else {
        let asked = reader.expects_slot("amount");
        // "Twelve fifty" where a price was asked for.
        if let Some(part) = reader.numbers().cardinal(number.end)
            && asked
            && number.hundredths.is_none()
            && (10..100).contains(&part.whole)
            && !reader.reading.broken_between(place, number.end + 1)
        {
            return Some(taken(format!("{}.{:02}", number.whole, part.whole), place, part.end));
        }
        let value = match number.hundredths {
            Some(part) => format!("{}.{part:02}", number.whole),
            None => number.whole.to_string(),
        };
        return asked.then(|| taken(value, place, number.end));
    };
    let mut end = number.end + 1;
    let mut hundredths = number.hundredths;
    let and = reader.tables.slots.numbers.and.contains(reader.reading.norm(end));
    let next = if and { end + 1 } else { end };
    if hundredths.is_none()
        && let Some(part) = reader.numbers().cardinal(next)
        && part.whole < 100
        && (is_cents(part.end) || (!and && !reader.digit_at(part.end)))
        && !reader.reading.broken_between(place, next + 1)
    {
        let said_cents = is_cents(part.end);
        let tenths = slots.tenths && part.whole < 10;
        hundredths = Some(part.whole as u8 * if tenths { 10 } else { 1 });
        end = part.end + usize::from(said_cents);
    }
    Some(taken(written(number.whole, hundredths, code), place, end))
}

/// The currency of "fifty cents" alone: one that the sentence names, else none is certain.
fn any_currency<'r>(reader: &'r SlotReader<'_>) -> Option<&'r str> {
    let named = (0..reader.reading.len())
        .find_map(|at| reader.tables.slots.currencies.get(reader.reading.norm(at)));
    Some(named.map_or("XXX", String::as_str))
}

fn written(whole: u64, hundredths: Option<u8>, code: &str) -> String {
    format!("{whole}.{:02} {code}", hundredths.unwrap_or(0))
}

fn taken(value: String, start: usize, end: usize) -> Taken {
    Taken { name: "amount".into(), value, start, end }
}
