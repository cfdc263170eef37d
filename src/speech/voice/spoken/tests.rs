//! What is written on the left is said on the right.

use super::*;

const CASES: &[(&str, &str)] = &[
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
    ("wait < 5 minutes. Press 1", "wait less than five minutes. Press one"),
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
    ("due on Jan. 5", "due on January fifth"),
    ("5/3/2026", "May third, twenty twenty-six"),
    ("13/5/2026", "May thirteenth, twenty twenty-six"),
    ("3.5.2026", "May third, twenty twenty-six"),
    ("the 1990s", "the nineteen nineties"),
    // Numbers that are names.
    ("order 4217", "order four two one seven"),
    ("order 20 boxes", "order twenty boxes"),
    ("your order number 10042.", "your order number one zero zero, four two."),
    ("room 204", "room two zero four"),
    ("No. 4217", "number four two one seven"),
    ("a 5-star stay, COVID-19", "a five star stay, COVID nineteen"),
    ("call 415 555 0132.", "call four one five, five five five, zero one three two."),
    // Amounts in several words.
    ("$1.5 million", "one point five million dollars"),
    ("EUR 12.50", "twelve euros and fifty cents"),
    ("$20/month", "twenty dollars per month"),
    ("-$5", "minus five dollars"),
    ("€-5", "minus five euros"),
    ("CHF 20", "twenty francs"),
    ("10-15%", "ten to fifteen percent"),
    ("10 %", "ten percent"),
    ("1/2 an hour", "one half an hour"),
    ("50 km/h", "fifty kilometres per hour"),
    ("100Mbit/s", "one hundred megabits per second"),
    ("press # or *", "press hash or star"),
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
];

#[test]
fn figures_are_spoken_properly() {
    for (written, said) in CASES {
        let sentences = sentences(written, &Language::english());
        let spoken: Vec<String> = sentences.into_iter().map(|one| one.spoken).collect();
        assert_eq!(spoken.join(" "), *said, "{written}");
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
    assert_eq!(written("Order No. <digits>4217</digits> is here."), ["Order No. 4217 is here."]);
    assert_eq!(written("a < b <b>c</b>"), ["a < b c"]);
}

/// Sentences of a marked text in short: language, pace, level, pause, words.
fn script(text: &str) -> Vec<String> {
    let sentences = sentences(text, &Language::english());
    let shown = sentences.into_iter().map(|one| {
        let (pace, gain, pause) = (one.pace, one.gain_db, one.pause_ms);
        let marks: String = one.marks.iter().map(|mark| format!(" @{mark}")).collect();
        format!("{} {pace:.2} {gain:+.0} {pause}{marks}: {}", one.language, one.spoken)
    });
    shown.collect()
}

#[test]
fn markup_changes_how_words_are_said() {
    for (text, expected) in [
        ("One. Two.", vec!["en 1.00 +0 0: One.", "en 1.00 +0 0: Two."]),
        ("<speak><p><s>One</s><s>two</s></p></speak>", {
            vec!["en 1.00 +0 0: One", "en 1.00 +0 0: two"]
        }),
        ("One.<break time=\"1s\"/>Two.<break/>", {
            vec!["en 1.00 +0 0: One.", "en 1.00 +0 1000: Two."]
        }),
        ("<break time=\"1s\"/><prosody rate=\"80%\">One.</prosody> Two.", {
            vec!["en 1.25 +0 1000: One.", "en 1.00 +0 0: Two."]
        }),
        ("<prosody volume=\"-6dB\"><prosody rate=\"50%\">a</prosody> b</prosody>", {
            vec!["en 2.00 -6 0: a", "en 1.00 -6 0: b"]
        }),
        ("Say <lang xml:lang=\"de\">5 Tage</lang> now.", {
            vec!["en 1.00 +0 0: Say", "de 1.00 +0 0: 5 Tage", "en 1.00 +0 0: now."]
        }),
        ("<mark name=\"a\"/>One. Two.", vec!["en 1.00 +0 0 @a: One.", "en 1.00 +0 0: Two."]),
        ("The <sub alias=\"World Wide Web\">WWW</sub>, 2 of them.", {
            vec!["en 1.00 +0 0: The World Wide Web, two of them."]
        }),
    ] {
        assert_eq!(script(text), expected, "{text}");
    }
    for (kind, text, said) in [
        ("characters", "AB-12*", "A B dash one two star"),
        ("digits", "4217", "four two one seven"),
        ("cardinal", "4217", "four thousand two hundred seventeen"),
        ("ordinal", "3", "third"),
        ("ordinal", "21st", "twenty-first"),
        ("date", "2026-05-03", "May third, twenty twenty-six"),
        ("time", "17:30", "five thirty P M"),
        ("currency", "€12.50", "twelve euros and fifty cents"),
        ("telephone", "+49 (30) 123-456", {
            "plus four nine, three zero, one two three, four five six"
        }),
        ("date", "tomorrow", "tomorrow"),
    ] {
        let text = format!("<say-as interpret-as=\"{kind}\">{text}</say-as>");
        assert_eq!(script(&text), [format!("en 1.00 +0 0: {said}")], "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = sentences(&text, &Language::english());
        let _ = sentences(&text, &Language::mandarin());
    }
}
