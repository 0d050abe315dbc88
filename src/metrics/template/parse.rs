//! Builds the tree of a template out of its pieces.

use crate::metrics::template::TemplateError;
use crate::metrics::template::lex::Piece;
use crate::metrics::template::lex::Token;
use crate::metrics::template::lex::Word;
use crate::metrics::template::lex::pieces;
use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Its value is printed, unless it is given to variables.
    Show(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch {
    pub pipe: Pipe,
    pub then: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// Commands, each given the value of the one before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipe {
    /// Variables that take the value.
    pub variables: Vec<String>,
    /// Are they new (`:=`), or older ones (`=`)?
    pub declares: bool,
    pub commands: Vec<Command>,
    pub at: Range<usize>,
}

/// An operand and what it is called with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Command {
    pub operands: Vec<Operand>,
    pub at: Range<usize>,
}

/// A value with the fields that are taken of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    pub of: Of,
    pub fields: Vec<String>,
    pub at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Of {
    Dot,
    Nil,
    Bool(bool),
    Text(String),
    Int(i64),
    Float(f64),
    Variable(String),
    Function(String),
    Pipe(Box<Pipe>),
}

pub(super) fn parse(template: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser {
        pieces: pieces(template)?.into_iter(),
        depth: 0,
    };
    match parser.list()? {
        (nodes, None) => Ok(nodes),
        (_, Some(End { at, .. })) => Err(TemplateError::new(at, "nothing is open here")),
    }
}

/// Blocks or parentheses inside each other: more than any query has, and no danger to the stack.
const DEPTH: usize = 100;

struct Parser {
    pieces: IntoIter<Piece>,
    depth: usize,
}

/// What ended a list: `end`, or `else` with what follows it.
struct End {
    otherwise: Option<Vec<Word>>,
    at: Range<usize>,
}

impl Parser {
    fn list(&mut self) -> Result<(Vec<Node>, Option<End>), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (words, at) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(words, at) => (words, at),
            };
            let Some(Token::Name(keyword)) = words.first().map(|word| &word.token) else {
                nodes.push(Node::Show(whole(words, at)?));
                continue;
            };
            match keyword.as_str() {
                "if" | "with" | "range" => nodes.push(self.branch(words, at)?),
                "end" | "else" => {
                    let otherwise = (keyword == "else").then(|| words[1..].to_vec());
                    if otherwise.is_none() && words.len() > 1 {
                        return Err(TemplateError::new(at, "end takes nothing"));
                    }
                    return Ok((nodes, Some(End { otherwise, at })));
                }
                "define" | "template" | "block" | "break" | "continue" => {
                    return Err(TemplateError::new(
                        at,
                        format!("{keyword} is not known in queries"),
                    ));
                }
                _ => nodes.push(Node::Show(whole(words, at)?)),
            }
        }
        Ok((nodes, None))
    }

    /// `if`, `with` or `range`, from its first word on.
    fn branch(&mut self, words: Vec<Word>, at: Range<usize>) -> Result<Node, TemplateError> {
        let mut words = words.into_iter();
        let Some(Token::Name(keyword)) = words.next().map(|word| word.token) else {
            return Err(TemplateError::new(at, "nothing begins here"));
        };
        let pipe = whole(words.collect(), at.clone())?;
        if pipe.variables.len() > 1 && keyword != "range" {
            return Err(TemplateError::new(at, "only range takes two variables"));
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(TemplateError::new(at, "too deep"));
        }
        let (then, end) = self.list()?;
        let end =
            end.ok_or_else(|| TemplateError::new(at.clone(), format!("{keyword} without end")))?;
        let otherwise = match end.otherwise {
            None => Vec::new(),
            Some(more) if more.is_empty() => {
                let (nodes, last) = self.list()?;
                match last {
                    Some(End {
                        otherwise: None, ..
                    }) => nodes,
                    Some(End { at, .. }) => return Err(TemplateError::new(at, "a second else")),
                    None => return Err(TemplateError::new(end.at, "else without end")),
                }
            }
            // `else if` and `else with` end with what they continue.
            Some(more) => match &more[0].token {
                Token::Name(again) if *again == keyword && keyword != "range" => {
                    vec![self.branch(more, end.at)?]
                }
                _ => {
                    return Err(TemplateError::new(
                        end.at,
                        format!("no such else of {keyword}"),
                    ));
                }
            },
        };
        self.depth -= 1;
        let branch = Branch {
            pipe,
            then,
            otherwise,
        };
        Ok(match keyword.as_str() {
            "if" => Node::If(branch),
            "with" => Node::With(branch),
            _ => Node::Range(branch),
        })
    }
}

/// A pipe that takes all words.
fn whole(words: Vec<Word>, at: Range<usize>) -> Result<Pipe, TemplateError> {
    let mut words = Words {
        words: words.into_iter().peekable(),
        end: at,
        depth: 0,
    };
    let pipe = words.pipe()?;
    match words.words.next() {
        None => Ok(pipe),
        Some(word) => Err(TemplateError::new(word.at, "unexpected here")),
    }
}

struct Words {
    words: Peekable<IntoIter<Word>>,
    /// Where to point when something is missing.
    end: Range<usize>,
    depth: usize,
}

impl Words {
    fn takes(&mut self, sign: &str) -> bool {
        self.words
            .next_if(|word| matches!(word.token, Token::Sign(found) if found == sign))
            .is_some()
    }

    fn pipe(&mut self) -> Result<Pipe, TemplateError> {
        let at = self
            .words
            .peek()
            .map_or_else(|| self.end.clone(), |word| word.at.clone());
        let (variables, declares) = self.variables()?;
        let mut commands = vec![self.command()?];
        while self.takes("|") {
            commands.push(self.command()?);
        }
        let end = commands.last().map_or(at.end, |command| command.at.end);
        Ok(Pipe {
            variables,
            declares,
            commands,
            at: at.start..end,
        })
    }

    /// `$a :=`, `$a =` or `$a, $b :=`.
    fn variables(&mut self) -> Result<(Vec<String>, bool), TemplateError> {
        let mut ahead = self.words.clone();
        let mut names = Vec::new();
        loop {
            match ahead.next().map(|word| word.token) {
                Some(Token::Variable(name)) if !name.is_empty() => names.push(name),
                _ => return Ok((Vec::new(), false)),
            }
            match ahead.next().map(|word| (word.token, word.at)) {
                Some((Token::Sign(","), _)) if names.len() == 1 => {}
                Some((Token::Sign(sign @ (":=" | "=")), _)) => {
                    self.words = ahead;
                    return Ok((names, sign == ":="));
                }
                Some((Token::Sign(","), at)) => {
                    return Err(TemplateError::new(at, "too many variables"));
                }
                Some(_) | None => return Ok((Vec::new(), false)),
            }
        }
    }

    fn command(&mut self) -> Result<Command, TemplateError> {
        let mut operands = Vec::new();
        while let Some(operand) = self.operand()? {
            operands.push(operand);
        }
        match (operands.first(), operands.last()) {
            (Some(first), Some(last)) => {
                let at = first.at.start..last.at.end;
                Ok(Command { operands, at })
            }
            _ => {
                let at = self
                    .words
                    .peek()
                    .map_or_else(|| self.end.clone(), |word| word.at.clone());
                Err(TemplateError::new(at, "a value is missing"))
            }
        }
    }

    fn operand(&mut self) -> Result<Option<Operand>, TemplateError> {
        let ends = |word: &Word| matches!(word.token, Token::Sign("|" | ")"));
        let Some(word) = self.words.next_if(|word| !ends(word)) else {
            return Ok(None);
        };
        let mut at = word.at;
        let mut fields = Vec::new();
        let of = match word.token {
            Token::Dot => Of::Dot,
            Token::Field { name, .. } => {
                fields.push(name);
                Of::Dot
            }
            Token::Text(text) => Of::Text(text),
            Token::Int(number) => Of::Int(number),
            Token::Float(number) => Of::Float(number),
            Token::Variable(name) => Of::Variable(name),
            Token::Name(name) => match name.as_str() {
                "nil" => Of::Nil,
                "true" | "false" => Of::Bool(name == "true"),
                _ => Of::Function(name),
            },
            Token::Sign("(") => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(TemplateError::new(at, "too deep"));
                }
                let pipe = self.pipe()?;
                self.depth -= 1;
                if !self.takes(")") {
                    return Err(TemplateError::new(at, "( without )"));
                }
                at.end = pipe.at.end + 1;
                Of::Pipe(Box::new(pipe))
            }
            Token::Sign(sign) => return Err(TemplateError::new(at, format!("unexpected {sign}"))),
        };
        let joined = |word: &Word| matches!(word.token, Token::Field { spaced: false, .. });
        while let Some(word) = self.words.next_if(joined) {
            at.end = word.at.end;
            if let Token::Field { name, .. } = word.token {
                fields.push(name);
            }
        }
        Ok(Some(Operand { of, fields, at }))
    }
}
