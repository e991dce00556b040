//! Pure: the literals of Python: texts, numbers, tables. What only running a program would tell is no value.

/// Brackets deeper than this are not followed.
const DEEPEST: usize = 32;

/// What is written for a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    /// Keys with their lines.
    Table(Vec<(usize, Value, Value)>),
    /// A list, a name, or what only running it would tell.
    Other,
}

/// Reads literals; whatever is none is passed over.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line that comes next, from 1 on.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn step(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            for _ in text.chars() {
                self.step();
            }
        }
        is_there
    }

    pub(super) fn takes_assignment(&mut self) -> bool {
        let is_one = self.rest().starts_with('=') && !self.rest().starts_with("==");
        is_one && self.take("=")
    }

    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Passes over white space and comments; inside of brackets a line's end is white space.
    pub(super) fn blank(&mut self, is_inside: bool) {
        while let Some(c) = self.peek() {
            match c {
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.step();
                    }
                }
                '\\' if self.rest().starts_with("\\\n") || self.rest().starts_with("\\\r\n") => {
                    while self.step() != Some('\n') {}
                }
                '\n' if !is_inside => return,
                c if c.is_whitespace() => {
                    self.step();
                }
                _ => return,
            }
        }
    }

    pub(super) fn value(&mut self, depth: usize) -> Value {
        self.blank(depth > 0);
        let value = match self.peek() {
            Some('{') if depth < DEEPEST => self.table(depth),
            Some('0'..='9') => {
                let end = self.rest().find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest().len());
                let number = self.rest()[..end].parse().map_or(Value::Other, Value::Number);
                self.at += end;
                number
            }
            _ => self.string().map_or(Value::Other, Value::Text),
        };
        // Whatever follows makes something else of it.
        self.blank(depth > 0);
        let is_whole = matches!(self.peek(), None | Some(',' | ':' | ']' | '}' | ')' | '\n' | ';'));
        if is_whole { value } else { Value::Other }
    }

    fn table(&mut self, depth: usize) -> Value {
        self.step();
        let mut table = Vec::new();
        loop {
            self.blank(true);
            if self.peek().is_none() || self.take("}") {
                return Value::Table(table);
            }
            let line = self.line;
            let key = self.value(depth + 1);
            self.skip(&[':', ',', '}']);
            let value = if self.take(":") { self.value(depth + 1) } else { Value::Other };
            self.skip(&[',', '}']);
            self.take(",");
            table.push((line, key, value));
        }
    }

    /// One text, or several that stand side by side.
    fn string(&mut self) -> Option<String> {
        let mut text: Option<String> = None;
        loop {
            let prefix = self.rest().len() - self.rest().trim_start_matches(['r', 'R', 'u', 'U', 'b', 'B']).len();
            let after = &self.rest()[prefix..];
            // What an f"…" holds is computed.
            if prefix > 2 || !after.starts_with(['"', '\'']) {
                return text;
            }
            let is_raw = self.rest()[..prefix].contains(['r', 'R']);
            self.at += prefix;
            text.get_or_insert_default().push_str(&self.quoted(is_raw)?);
            self.blank(false);
        }
    }

    fn quoted(&mut self, is_raw: bool) -> Option<String> {
        let quote = self.peek()?.to_string();
        let triple = quote.repeat(3);
        let end = if self.take(&triple) {
            triple
        } else {
            self.take(&quote);
            quote
        };
        let mut text = String::new();
        while !self.take(&end) {
            match self.step()? {
                '\n' if end.len() == 1 => return None,
                '\\' => match self.step()? {
                    c if is_raw => text.extend(['\\', c]),
                    '\n' => {}
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        Some(text)
    }

    /// Passes over everything up to one of these, whatever stands in brackets and quotes.
    pub(super) fn skip(&mut self, ends: &[char]) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                c if depth == 0 && ends.contains(&c) => return,
                '#' => self.blank(false),
                '"' | '\'' => drop(self.quoted(false)),
                c => {
                    match c {
                        '(' | '[' | '{' => depth += 1,
                        ')' | ']' | '}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.step();
                }
            }
        }
    }
}
