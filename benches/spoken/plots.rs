//! The page of plots.

use std::fmt::Write as _;

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='640' height='420' \
                   font-family='sans-serif' font-size='12'>";

/// Intents found and words lost, by condition: name, percent right, percent of words wrong.
pub fn noise(bars: &[(String, f32, f64)]) -> String {
    let mut out = format!("<h2>Intents found and word errors, by noise</h2>{SVG}");
    for (place, (name, right, errors)) in bars.iter().enumerate() {
        let y = 20 + place * 60;
        let _ = write!(
            out,
            "<text x='0' y='{}'>{name}</text>\
             <rect x='200' y='{y}' width='{:.1}' height='18' fill='#07c'/>\
             <text x='{:.1}' y='{}'>{right:.1} % found</text>\
             <rect x='200' y='{}' width='{:.1}' height='18' fill='#c30'/>\
             <text x='{:.1}' y='{}'>{errors:.1} % words wrong</text>",
            y + 18,
            right * 3.0,
            206.0 + right * 3.0,
            y + 14,
            y + 20,
            errors * 3.0,
            206.0 + errors * 3.0,
            y + 34,
        );
    }
    out + "</svg>"
}

/// Rate against truth, syllables per second: truth, ours, without noise.
pub fn rates(dots: &[(f32, f32, bool)]) -> String {
    let (x, y) = (|rate: f32| 50.0 + rate * 60.0, |rate: f32| 380.0 - rate * 45.0);
    let mut out = format!(
        "<h2>Speech rate against the truth</h2>{SVG}\
         <path d='M50 20V380H620' stroke='black' fill='none'/>\
         <path d='M{} {}L{} {}' stroke='#999'/>\
         <text x='250' y='410'>true syllables a second (blue clean, red at 15 dB)</text>\
         <text x='55' y='30'>as measured</text>",
        x(0.0),
        y(0.0),
        x(8.0),
        y(8.0)
    );
    for whole in [2u8, 4, 6, 8] {
        let rate = f32::from(whole);
        let _ = write!(
            out,
            "<text x='{:.0}' y='395'>{whole}</text><text x='30' y='{:.0}'>{whole}</text>",
            x(rate),
            y(rate) + 4.0
        );
    }
    for (truth, ours, clean) in dots {
        let colour = if *clean { "#07c" } else { "#c30" };
        let (x, y) = (x(*truth), y(*ours));
        let _ = write!(out, "<circle cx='{x:.1}' cy='{y:.1}' r='3' fill='{colour}'/>");
    }
    out + "</svg>"
}
