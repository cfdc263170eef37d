//! Measures: `5km`, `10 GB`, `20 °C`.

use super::number;

/// As written, for one, for more.
const UNITS: [(&str, &str, &str); 33] = [
    ("km", "kilometre", "kilometres"),
    ("cm", "centimetre", "centimetres"),
    ("mm", "millimetre", "millimetres"),
    ("m", "metre", "metres"),
    ("kg", "kilogram", "kilograms"),
    ("g", "gram", "grams"),
    ("l", "litre", "litres"),
    ("ml", "millilitre", "millilitres"),
    ("GB", "gigabyte", "gigabytes"),
    ("MB", "megabyte", "megabytes"),
    ("TB", "terabyte", "terabytes"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("kW", "kilowatt", "kilowatts"),
    ("W", "watt", "watts"),
    ("V", "volt", "volts"),
    ("h", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("min", "minute", "minutes"),
    ("mins", "minute", "minutes"),
    ("sec", "second", "seconds"),
    ("s", "second", "seconds"),
    ("ms", "millisecond", "milliseconds"),
    ("km/h", "kilometre per hour", "kilometres per hour"),
    ("mph", "mile per hour", "miles per hour"),
    ("Mbps", "megabit per second", "megabits per second"),
    ("Mbit/s", "megabit per second", "megabits per second"),
    ("Gbit/s", "gigabit per second", "gigabits per second"),
    ("lb", "pound", "pounds"),
    ("lbs", "pound", "pounds"),
    ("ft", "foot", "feet"),
    ("%", "percent", "percent"),
    ("°C", "degree Celsius", "degrees Celsius"),
    ("°F", "degree Fahrenheit", "degrees Fahrenheit"),
];

/// The measure of `figure`, if `unit` is one.
pub fn measure(figure: &str, unit: &str) -> Option<String> {
    let (_, one, many) = UNITS.iter().find(|(short, ..)| *short == unit)?;
    let spoken = number(figure)?;
    Some(format!("{spoken} {}", if figure == "1" { one } else { many }))
}

/// `5km`: figures and unit in one word.
pub fn with_unit(word: &str) -> Option<String> {
    let cut = word.find(|symbol: char| !symbol.is_ascii_digit() && !matches!(symbol, '.' | ','))?;
    let (figure, unit) = word.split_at(cut);
    measure(figure, unit)
}
