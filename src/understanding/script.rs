//! Scripts in which languages are written, by the ranges of their signs (Unicode blocks).

use super::text::is_han;

/// A script that tells languages apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Script {
    #[default]
    Latin,
    Han,
    Kana,
    Hangul,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Thai,
    Devanagari,
}

/// A Han sign says about as much as three letters.
const SIGN_WEIGHT: usize = 3;

impl Script {
    /// As the tables write them.
    pub const NAMES: [(&str, Script); 10] = [
        ("latin", Script::Latin),
        ("han", Script::Han),
        ("kana", Script::Kana),
        ("hangul", Script::Hangul),
        ("cyrillic", Script::Cyrillic),
        ("greek", Script::Greek),
        ("arabic", Script::Arabic),
        ("hebrew", Script::Hebrew),
        ("thai", Script::Thai),
        ("devanagari", Script::Devanagari),
    ];

    /// The script of one sign; `None` for figures, punctuation and scripts that we do not know.
    pub fn of(sign: char) -> Option<Script> {
        let script = match sign {
            _ if is_han(sign) => Script::Han,
            '\u{3040}'..='\u{30ff}' => Script::Kana,
            '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' => Script::Hangul,
            '\u{400}'..='\u{52f}' => Script::Cyrillic,
            '\u{370}'..='\u{3ff}' => Script::Greek,
            '\u{600}'..='\u{6ff}' => Script::Arabic,
            '\u{590}'..='\u{5ff}' => Script::Hebrew,
            '\u{e00}'..='\u{e7f}' => Script::Thai,
            '\u{900}'..='\u{97f}' => Script::Devanagari,
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => Script::Latin,
            _ => return None,
        };
        sign.is_alphabetic().then_some(script)
    }

    /// The script that most of `text` is written in.
    pub fn most(text: &str) -> Option<Script> {
        let weigh = |script: Script| {
            let signs = text.chars().filter(|sign| Script::of(*sign) == Some(script)).count();
            if script == Script::Han { signs * SIGN_WEIGHT } else { signs }
        };
        let all = Self::NAMES.iter().map(|(_, script)| (weigh(*script), *script));
        all.filter(|(weight, _)| *weight > 0).max_by_key(|(weight, _)| *weight).map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_in_the_script_of_most_of_its_signs() {
        for (text, expected) in [
            ("Où est ma commande ?", Some(Script::Latin)),
            ("订单OK", Some(Script::Han)),
            ("ちゅうもん", Some(Script::Kana)),
            ("주문", Some(Script::Hangul)),
            ("Где мой заказ, DHL?", Some(Script::Cyrillic)),
            ("παραγγελία", Some(Script::Greek)),
            ("طلب", Some(Script::Arabic)),
            ("הזמנה", Some(Script::Hebrew)),
            ("คำสั่งซื้อ", Some(Script::Thai)),
            ("आदेश", Some(Script::Devanagari)),
            ("4217 × 3 ÷ 2 …", None),
            ("", None),
        ] {
            assert_eq!(Script::most(text), expected, "{text}");
        }
    }
}
