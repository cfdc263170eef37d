//! Reads comma-separated values (RFC 4180): quoted fields may hold commas, quotes and line ends.

/// Fields of one row.
const FIELDS_MAX: usize = 1_000;

/// All rows with their fields; an error names the line of a quote that never ends.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<String>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let (mut quoted, mut line, mut opened) = (false, 1, 1);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        line += usize::from(sign == '\n');
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => {
                quoted = true;
                opened = line;
            }
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field).trim_end_matches('\r').to_owned());
                keep(&mut rows, std::mem::take(&mut row));
            }
            _ => field.push(sign),
        }
        if row.len() > FIELDS_MAX {
            return Err(format!("line {line}: more than {FIELDS_MAX} fields"));
        }
    }
    if quoted {
        return Err(format!("line {opened}: a quote is opened and never closed"));
    }
    row.push(field.trim_end_matches('\r').to_owned());
    keep(&mut rows, row);
    Ok(rows)
}

/// Empty lines are no rows.
fn keep(rows: &mut Vec<Vec<String>>, row: Vec<String>) {
    if row.iter().any(|field| !field.is_empty()) {
        rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_hold_commas_quotes_and_line_ends() {
        let rows = parse("text,outcome\r\n\"a, \"\"b\"\"\nc\",done\r\n\r\nlast,\n").expect("good");
        let expected = [vec!["text", "outcome"], vec!["a, \"b\"\nc", "done"], vec!["last", ""]];
        assert_eq!(rows, expected);
        assert_eq!(parse("").expect("empty"), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_quote_without_end_is_named_by_its_line() {
        assert!(parse("a,b\nc,\"d\ne").expect_err("open").contains("line 2"));
    }
}
