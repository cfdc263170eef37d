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
        ("<b>bold</b> <digits>9", "bold nine"),
        ("Mr. Smith & Dr. Who", "Mister Smith and Doctor Who"),
        ("(2 of 3)", "(two of three)"),
        ("12,50 EUR", "twelve euros and fifty cents"),
        ("wait < 5 minutes. Press 1", "wait five minutes. Press one"),
        ("No. Sorry", "No. Sorry"),
        ("No. 5", "number five"),
        ("no figures here", "no figures here"),
        // Dates.
        ("on 3 May", "on the third of May"),
        ("3rd of May, please", "the third of May, please"),
        ("on 3 May 2026.", "on the third of May, twenty twenty-six."),
        ("May 3", "May third"),
        ("May 3rd, 2026", "May third, twenty twenty-six"),
        ("December 31 2005", "December thirty-first, two thousand five"),
        ("in June 1984", "in June nineteen eighty-four"),
        ("in 2026", "in twenty twenty-six"),
        ("since 1905.", "since nineteen oh five."),
        ("2026 people", "two thousand twenty-six people"),
        ("32 May", "thirty-two May"),
        // Times.
        ("at 5 pm", "at five P M"),
        ("at 9:30 a.m. or later", "at nine thirty A M or later"),
        ("until 5 p.m.", "until five P M."),
        ("9am", "nine A M"),
        ("9:05PM", "nine oh five P M"),
        ("from 9-5", "from nine to five"),
        ("10–12", "ten to twelve"),
        ("9:00-17:30", "nine A M to five thirty P M"),
        ("24/7", "twenty-four seven"),
        ("13 pm", "thirteen pm"),
        ("25:00", "two five zero zero"),
        // Telephone numbers.
        ("call 0800 123 456.", "call zero eight zero zero, one two three, four five six."),
        ("+49 30 1234567", "plus four nine, three zero, one two three, four five six, seven"),
        ("(020) 7946 0000", "zero two zero, seven nine four six, zero zero zero zero"),
        ("0 items", "zero items"),
        ("5551234567", "five five five, one two three, four five six, seven"),
        // Keys and numbers.
        ("press *7", "press star seven"),
        ("order #4217.", "order number four two one seven."),
        ("room 12b", "room one two B"),
        // Amounts.
        ("$0.99", "ninety-nine cents"),
        ("€1.01", "one euro and one cent"),
        ("£1,000", "one thousand pounds"),
        ("5€", "five euros"),
        ("5EUR", "five euros"),
        ("1.234,50 EUR", "one thousand two hundred thirty-four euros and fifty cents"),
        ("100%", "one hundred percent"),
        ("100%.", "one hundred percent."),
        ("-5%", "minus five percent"),
        // Measures.
        ("5 km away", "five kilometres away"),
        ("1 kg", "one kilogram"),
        ("2.5 kg", "two point five kilograms"),
        ("10GB", "ten gigabytes"),
        ("20 °C", "twenty degrees Celsius"),
        ("24 h", "twenty-four hours"),
        ("30 min.", "thirty minutes."),
        ("230V", "two hundred thirty volts"),
        // Addresses.
        ("info@example.org", "info at example dot org"),
        ("www.example.org/help", "W W W dot example dot org slash help"),
        ("https://example.org.", "example dot org."),
        ("help-2@example.org", "help dash two at example dot org"),
        // Large and odd.
        ("1,000,000", "one million"),
        ("12345678", "one two three four, five six seven eight"),
        ("0", "zero"),
        ("00", "zero zero"),
        ("1st", "first"),
        ("12th floor", "twelfth floor"),
        ("3.", "three."),
        ("(3)", "(three)"),
        ("1.2.3", "one two three"),
        ("", ""),
    ] {
        assert_eq!(english(&tags(written, &Language::english())), said, "{written}");
    }
}

#[test]
fn sentences_are_cut_where_people_pause() {
    let cut = |text: &str| -> Vec<String> {
        sentences(text, &Language::english()).into_iter().map(|one| one.spoken).collect()
    };
    assert_eq!(cut("Hello. How are you? Fine!"), ["Hello.", "How are you?", "Fine!"]);
    assert_eq!(cut("It is 3.5 metres. Yes."), ["It is three point five metres.", "Yes."]);
    assert_eq!(cut("... !"), Vec::<String>::new());
    let mandarin: Vec<String> =
        sentences("你好。再见。", &Language::mandarin()).into_iter().map(|s| s.spoken).collect();
    assert_eq!(mandarin, ["你好。", "再见。"]);
    assert_eq!(
        cut("Dr. Who is at No. 5. No. Really."),
        ["Doctor Who is at number five.", "No.", "Really.",]
    );
    assert_eq!(
        cut("Open at 9 a.m. We close at 5 p.m."),
        ["Open at nine A M.", "We close at five P M.",]
    );
    let long = "word ".repeat(200);
    assert!(cut(&long).iter().all(|sentence| sentence.chars().count() <= 305));
}

#[test]
fn a_transcript_shows_what_was_written() {
    let written = |text: &str| -> Vec<String> {
        sentences(text, &Language::english()).into_iter().map(|one| one.written).collect()
    };
    assert_eq!(
        written("Your number is <digits>4217</digits>. It is due on 3 May. Press *7."),
        ["Your number is 4217.", "It is due on 3 May.", "Press *7."]
    );
    assert_eq!(written("It was <digits>1. 2</digits> or so."), ["It was 1. 2 or so."]);
    assert_eq!(as_written("a < b <b>c</b>"), "a  b c");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = sentences(&text, &Language::english());
        let _ = sentences(&text, &Language::mandarin());
    }
}
