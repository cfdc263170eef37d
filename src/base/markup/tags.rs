//! One tag: its name, its attributes, and what they may be.

use std::time::Duration;

use super::{BREAK_MAX, MarkupError, Reader, SayAs, decoded};
use crate::base::language::Language;

/// Characters of one tag.
const TAG_CHARS_MAX: usize = 400;
/// Loudest and softest that a text may ask for, dB.
const GAIN_DB: std::ops::RangeInclusive<f32> = -60.0..=6.0;
/// Slowest and fastest, in per cent of the usual rate.
const RATE_PERCENT: std::ops::RangeInclusive<f32> = 50.0..=200.0;

pub(super) struct Tag<'t> {
    pub name: &'t str,
    pub attributes: Vec<(&'t str, String)>,
    /// `</name>`.
    pub closes: bool,
    /// `<name/>`.
    pub is_empty: bool,
}

/// What a tag asks for.
pub(super) enum Element {
    Speak,
    Sentence,
    Break(Duration),
    Prosody { pace: f32, gain_db: f32 },
    SayAs(SayAs),
    Sub(String),
    Language(Language),
    Mark(String),
}

/// Reads the tag that begins here, and goes behind it.
pub(super) fn read<'t>(reader: &mut Reader<'t>) -> Result<Tag<'t>, MarkupError> {
    let rest = reader.rest();
    let Some(end) = rest.find('>').filter(|end| *end <= TAG_CHARS_MAX) else {
        return Err(reader.fault("a tag without its >"));
    };
    let body = rest.get(1..end).unwrap_or_default();
    let (body, closes) = match body.strip_prefix('/') {
        Some(name) => (name, true),
        None => (body, false),
    };
    let (body, is_empty) = match body.strip_suffix('/') {
        Some(body) => (body, true),
        None => (body, false),
    };
    let name_end = body.find(char::is_whitespace).unwrap_or(body.len());
    let (name, written) = body.split_at(name_end);
    let attributes = attributes(written).map_err(|what| reader.fault(what))?;
    reader.at += end + 1;
    Ok(Tag { name: name.trim_end(), attributes, closes, is_empty })
}

fn attributes(written: &str) -> Result<Vec<(&str, String)>, String> {
    let mut rest = written.trim();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let fault = || format!("{rest:?} is no attribute such as rate=\"80%\"");
        let (name, behind) = rest.split_once('=').ok_or_else(fault)?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(fault)?;
        let (value, after) =
            behind.get(1..).and_then(|inner| inner.split_once(quote)).ok_or_else(fault)?;
        out.push((name.trim(), decoded(value)));
        rest = after.trim_start();
    }
    Ok(out)
}

const KNOWN: &str = "speak, p, s, break, prosody, say-as, sub, lang, voice, mark and digits";

pub(super) fn element(tag: &Tag<'_>) -> Result<Element, String> {
    let (element, allowed): (Element, &[&str]) = match tag.name {
        "speak" => (Element::Speak, &["version", "xmlns", "xml:lang"]),
        "p" | "s" => (Element::Sentence, &["xml:lang"]),
        "digits" => (Element::SayAs(SayAs::Digits), &[]),
        "break" => (Element::Break(silence(tag)?), &["time", "strength"]),
        "prosody" => (prosody(tag)?, &["rate", "volume"]),
        "say-as" => (Element::SayAs(say_as(tag)?), &["interpret-as", "format", "detail"]),
        "sub" => (Element::Sub(needed(tag, "alias")?.to_owned()), &["alias"]),
        "lang" | "voice" => (Element::Language(language(tag)?), &["xml:lang"]),
        "mark" => (Element::Mark(needed(tag, "name")?.to_owned()), &["name"]),
        other => return Err(format!("<{other}> is not known; known are {KNOWN}")),
    };
    match tag.attributes.iter().find(|(name, _)| !allowed.contains(name)) {
        Some((name, _)) => Err(format!("<{}> has no {name}; it may have {allowed:?}", tag.name)),
        None => Ok(element),
    }
}

fn value<'a>(tag: &'a Tag<'_>, name: &str) -> Option<&'a str> {
    tag.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

fn needed<'a>(tag: &'a Tag<'_>, name: &str) -> Result<&'a str, String> {
    value(tag, name).ok_or_else(|| format!("<{}> needs {name}=\"…\"", tag.name))
}

fn silence(tag: &Tag<'_>) -> Result<Duration, String> {
    if let Some(time) = value(tag, "time") {
        let wrong = || {
            let most = BREAK_MAX.as_secs();
            format!("time=\"{time}\": expected 250ms or 1.5s, at most {most}s")
        };
        let ms: f32 = match (time.strip_suffix("ms"), time.strip_suffix('s')) {
            (Some(ms), _) => ms.parse().map_err(|_| wrong())?,
            (None, Some(s)) => s.parse::<f32>().map_err(|_| wrong())? * 1_000.0,
            (None, None) => return Err(wrong()),
        };
        let is_good = (0.0..=BREAK_MAX.as_millis() as f32).contains(&ms);
        return is_good.then(|| Duration::from_millis(ms as u64)).ok_or_else(wrong);
    }
    let ms = match value(tag, "strength").unwrap_or("medium") {
        "none" => 0,
        "x-weak" => 100,
        "weak" => 200,
        "medium" => 400,
        "strong" => 700,
        "x-strong" => 1_200,
        other => {
            return Err(format!(
                "strength=\"{other}\": expected none, x-weak, weak, medium, strong or x-strong"
            ));
        }
    };
    Ok(Duration::from_millis(ms))
}

fn prosody(tag: &Tag<'_>) -> Result<Element, String> {
    let pace = value(tag, "rate").map_or(Ok(1.0), |rate| {
        let percent = match rate {
            "x-slow" => 65.0,
            "slow" => 80.0,
            "medium" | "default" => 100.0,
            "fast" => 120.0,
            "x-fast" => 145.0,
            other => other.strip_suffix('%').and_then(|n| n.parse().ok()).unwrap_or(f32::NAN),
        };
        let is_good = RATE_PERCENT.contains(&percent);
        is_good.then_some(100.0 / percent).ok_or_else(|| {
            format!("rate=\"{rate}\": expected 50% to 200%, or x-slow, slow, medium, fast, x-fast")
        })
    })?;
    let gain_db = value(tag, "volume").map_or(Ok(0.0), |volume| {
        let gain: f32 = match volume {
            "silent" => *GAIN_DB.start(),
            "x-soft" => -12.0,
            "soft" => -6.0,
            "medium" | "default" => 0.0,
            "loud" => 3.0,
            "x-loud" => 6.0,
            other => other.strip_suffix("dB").and_then(|n| n.parse().ok()).unwrap_or(f32::NAN),
        };
        let is_good = GAIN_DB.contains(&gain);
        is_good.then_some(gain).ok_or_else(|| {
            format!("volume=\"{volume}\": expected -60dB to +6dB, or silent, soft, medium, loud")
        })
    })?;
    Ok(Element::Prosody { pace, gain_db })
}

fn say_as(tag: &Tag<'_>) -> Result<SayAs, String> {
    Ok(match needed(tag, "interpret-as")? {
        "characters" | "spell-out" | "verbatim" => SayAs::Characters,
        "digits" => SayAs::Digits,
        "cardinal" | "number" => SayAs::Cardinal,
        "ordinal" => SayAs::Ordinal,
        "date" => SayAs::Date,
        "time" => SayAs::Time,
        "currency" => SayAs::Currency,
        "telephone" => SayAs::Telephone,
        other => {
            return Err(format!(
                "interpret-as=\"{other}\": expected characters, digits, cardinal, ordinal, \
                 date, time, currency or telephone"
            ));
        }
    })
}

fn language(tag: &Tag<'_>) -> Result<Language, String> {
    let code = needed(tag, "xml:lang")?;
    let short = code.split(['-', '_']).next().unwrap_or_default();
    Language::new(short).ok_or_else(|| format!("xml:lang=\"{code}\": expected a code such as en"))
}
