//! Splits a template into text and the words of its actions.

use crate::metrics::template::TemplateError;
use std::ops::Range;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// Copied as it is.
    Text(String),
    /// What stands between `{{` and `}}`; the range is that of the whole.
    Action(Vec<Word>, Range<usize>),
}

/// A word of an action, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub token: Token,
    pub at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A keyword or the name of a function.
    Name(String),
    /// `$name`; `$` alone has no name.
    Variable(String),
    /// `.name`; `spaced` where it does not belong to what stands before it.
    Field {
        name: String,
        spaced: bool,
    },
    /// `.`
    Dot,
    Text(String),
    Int(i64),
    Float(f64),
    /// `|`, `(`, `)`, `,`, `=` or `:=`
    Sign(&'static str),
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
const SIGNS: [&str; 6] = [":=", "|", "(", ")", ",", "="];

pub(super) fn pieces(template: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut trims = false;
    loop {
        let rest = &template[at..];
        let open = rest.find(OPEN);
        let mut text = &rest[..open.unwrap_or(rest.len())];
        if trims {
            text = text.trim_start_matches(is_space);
        }
        let Some(open) = open else {
            pieces.push(Piece::Text(text.to_owned()));
            return Ok(pieces);
        };
        let start = at + open;
        let mut lexer = Lexer {
            template,
            start,
            at: start + OPEN.len(),
        };
        if lexer.trims_before() {
            text = text.trim_end_matches(is_space);
        }
        pieces.push(Piece::Text(text.to_owned()));
        let words = lexer.action()?;
        trims = lexer.trims_after();
        at = lexer.at;
        if let Some(words) = words {
            pieces.push(Piece::Action(words, start..at));
        }
    }
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

struct Lexer<'a> {
    template: &'a str,
    start: usize,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.template[self.at..]
    }

    fn fail(&self, why: impl Into<String>) -> TemplateError {
        let rest = self.rest();
        let end = self.at + rest.chars().next().map_or(0, char::len_utf8);
        TemplateError::new(self.at..end, why)
    }

    fn unclosed(&self) -> TemplateError {
        let end = self.start + OPEN.len();
        TemplateError::new(self.start..end, "{{ without }}")
    }

    /// A minus and a space after the opening braces.
    fn trims_before(&mut self) -> bool {
        let rest = self.rest();
        let trims = rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(is_space));
        self.at += usize::from(trims) * 2;
        trims
    }

    /// Takes the end of the action; true with a space and a minus before the closing braces.
    fn trims_after(&mut self) -> bool {
        let trims = self.rest().starts_with('-');
        self.at += usize::from(trims) + CLOSE.len();
        trims
    }

    fn at_end(&self) -> bool {
        self.rest().starts_with(CLOSE)
    }

    /// Its words; none for a comment.
    fn action(&mut self) -> Result<Option<Vec<Word>>, TemplateError> {
        if self.rest().starts_with("/*") {
            let end = self.rest().find("*/").ok_or_else(|| self.unclosed())?;
            self.at += end + 2;
            let trims = self.rest().starts_with(is_space) && self.rest()[1..].starts_with("-}}");
            self.at += usize::from(trims);
            return if trims || self.at_end() {
                Ok(None)
            } else {
                Err(self.fail("a comment must be all there is between {{ and }}"))
            };
        }
        let mut words = Vec::new();
        loop {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start_matches(is_space).len();
            self.at += spaces;
            if self.at_end() || (spaces > 0 && self.rest().starts_with("-}}")) {
                return Ok(Some(words));
            }
            if self.rest().is_empty() {
                return Err(self.unclosed());
            }
            let start = self.at;
            let token = self.token(spaces > 0 || words.is_empty())?;
            words.push(Word {
                token,
                at: start..self.at,
            });
        }
    }

    fn token(&mut self, spaced: bool) -> Result<Token, TemplateError> {
        let rest = self.rest();
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.at += sign.len();
            return Ok(Token::Sign(sign));
        }
        let first = rest.chars().next().unwrap_or(' ');
        match first {
            '"' => self.quoted(),
            '`' => {
                let end = rest[1..]
                    .find('`')
                    .ok_or_else(|| self.fail("` without another"))?;
                self.at += end + 2;
                Ok(Token::Text(rest[1..=end].to_owned()))
            }
            '$' => {
                self.at += 1;
                Ok(Token::Variable(self.name().to_owned()))
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                self.at += 1;
                let name = self.name();
                Ok(if name.is_empty() {
                    Token::Dot
                } else {
                    Token::Field {
                        name: name.to_owned(),
                        spaced,
                    }
                })
            }
            '+' | '-' | '.' | '0'..='9' => self.number(),
            first if is_letter(first) => Ok(Token::Name(self.name().to_owned())),
            other => Err(self.fail(format!("{other:?} means nothing here"))),
        }
    }

    /// Letters and digits from here on.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_letter(c) && !c.is_ascii_digit());
        let name = &rest[..end.unwrap_or(rest.len())];
        self.at += name.len();
        name
    }

    fn number(&mut self) -> Result<Token, TemplateError> {
        let rest = self.rest();
        let end = rest[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let text = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let token = match (text.parse(), text.parse()) {
            (Ok(whole), _) => Token::Int(whole),
            (Err(_), Ok(number)) => Token::Float(number),
            (Err(_), Err(_)) => return Err(self.fail(format!("{text:?} is not a number"))),
        };
        self.at += text.len();
        Ok(token)
    }

    /// A text with Go's escapes.
    fn quoted(&mut self) -> Result<Token, TemplateError> {
        let open = self.at..self.at + 1;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            let escaped = match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Token::Text(text));
                }
                '\n' => break,
                '\\' => chars.next().map_or(' ', |(_, c)| c),
                other => {
                    text.push(other);
                    continue;
                }
            };
            text.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                same @ ('"' | '\\') => same,
                other => {
                    self.at += at;
                    return Err(self.fail(format!("the escape \\{other} is not known here")));
                }
            });
        }
        Err(TemplateError::new(open, "\" without another on its line"))
    }
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
