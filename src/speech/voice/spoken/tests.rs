//! What is written on the left is said on the right.

use super::*;

#[test]
fn figures_are_spoken_properly() {
    for (written, said) in [
        ("We open at 9:00.", "We open at nine A M."),
        ("at 17:30", "at five thirty P M"),
        ("at 12:05", "at twelve oh five P M"),
        ("0:15", "twelve fifteen A M"),
        ("on 2026-05-03.", "on May third, twenty twenty-six."),
        ("2026-13-03", "two zero two six, one three, zero three"),
        ("It costs €12.50.", "It costs twelve euros and fifty cents."),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("£0.01", "one penny"),
        ("12.50 EUR, please", "twelve euros and fifty cents, please"),
        ("$1,234.05", "one thousand two hundred thirty-four dollars and five cents"),
        ("10%", "ten percent"),
        ("2.5%", "two point five percent"),
        ("the 3rd and 21st", "the third and twenty-first"),
        ("30 days", "thirty days"),
        ("1,234 people", "one thousand two hundred thirty-four people"),
        ("-3", "minus three"),
        ("3.14", "three point one four"),
        ("007", "zero zero seven"),
        ("call 0800-123-456", "call zero eight zero zero, one two three, four five six"),
        ("+49-30-1234567", "plus four nine, three zero, one two three, four five six, seven"),
        ("order AB12", "order A B one two"),
        ("order <digits>4217</digits> is", "order four two one seven is"),
        ("<b>bold</b> <digits>9", "bold 9"),
        ("Mr. Smith & Dr. Who", "Mister Smith and Doctor Who"),
        ("(2 of 3)", "(two of three)"),
        ("no figures here", "no figures here"),
        ("", ""),
    ] {
        assert_eq!(english(&tags(written, &Language::english())), said, "{written}");
    }
}

#[test]
fn sentences_are_cut_where_people_pause() {
    let cut = |text: &str| sentences(text, &Language::english());
    assert_eq!(cut("Hello. How are you? Fine!"), ["Hello.", "How are you?", "Fine!"]);
    assert_eq!(cut("It is 3.5 metres. Yes."), ["It is three point five metres.", "Yes."]);
    assert_eq!(cut("... !"), Vec::<String>::new());
    assert_eq!(sentences("你好。再见。", &Language::mandarin()), ["你好。", "再见。"]);
    let long = "word ".repeat(200);
    assert!(cut(&long).iter().all(|sentence| sentence.chars().count() <= 305));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = sentences(&text, &Language::english());
        let _ = sentences(&text, &Language::mandarin());
    }
}
