//! Parses the text of a filter with `sqlparser`. Before, its tokens are checked, so only the language of filters reaches the
//! parser, and whatever else SQL has is refused at its place.

use std::ops::Range;

use sqlparser::ast::{Expr, Spanned};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Word};

use super::FilterError;
use super::names::Names;

/// The maximum length of an expression in bytes.
const MAX_LENGTH: usize = 64 * 1024;
/// The maximum number of names, keywords and operators. The parser's tree may be this deep, and is freed by recursion.
const MAX_WORDS: usize = 1_000;
/// The maximum depth of parentheses and of `not`.
const MAX_DEPTH: usize = 40;

/// The keywords of the language, besides the names of columns.
const KEYWORDS: [Keyword; 14] = [
    Keyword::AND,
    Keyword::BETWEEN,
    Keyword::ESCAPE,
    Keyword::FALSE,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::IS,
    Keyword::LIKE,
    Keyword::NOT,
    Keyword::NULL,
    Keyword::OR,
    Keyword::TIMESTAMP,
    Keyword::TRUE,
    Keyword::UNKNOWN,
];

/// The functions of the language: two names of one.
pub(super) const FUNCTIONS: [&str; 2] = ["array_contains", "list_contains"];

/// What an expression may consist of, for messages.
const ALLOWED: &str = "a filter has AND, OR, NOT, = <> < <= > >=, IN, BETWEEN, LIKE, ILIKE, IS NULL, IS TRUE, \
                       array_contains, columns and literals";

/// Names in double quotes and texts in single quotes, and nothing that only some databases have.
#[derive(Debug)]
struct FilterDialect;

impl Dialect for FilterDialect {
    fn is_identifier_start(&self, character: char) -> bool {
        character.is_alphabetic() || character == '_'
    }

    fn is_identifier_part(&self, character: char) -> bool {
        character.is_alphanumeric() || character == '_'
    }

    fn is_delimited_identifier_start(&self, character: char) -> bool {
        character == '"'
    }
}

/// The text of a filter, and where its parts are.
#[derive(Clone, Copy)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl Source<'_> {
    /// Returns an error at a part of the expression.
    pub(super) fn fault(self, expr: &Expr, message: impl Into<String>) -> FilterError {
        self.fault_at(expr.span(), message)
    }

    /// Returns an error at a place.
    pub(super) fn fault_at(self, span: Span, message: impl Into<String>) -> FilterError {
        FilterError::new(message, self.0, self.range(span))
    }

    /// Returns the bytes of a span.
    pub(super) fn range(self, span: Span) -> Range<usize> {
        let start = self.offset(span.start);
        start..self.offset(span.end).max(start)
    }

    /// Returns the byte at a location; the end of the text for a location that it does not have.
    fn offset(self, location: Location) -> usize {
        let Source(text) = self;
        let line = location.line.checked_sub(1).and_then(|line| usize::try_from(line).ok());
        let column = location
            .column
            .checked_sub(1)
            .and_then(|column| usize::try_from(column).ok());
        let offset = || {
            let start = match line? {
                0 => 0,
                line => text.match_indices('\n').nth(line - 1)?.0 + 1,
            };
            let (at, _) = text.get(start..)?.char_indices().nth(column?)?;
            Some(start + at)
        };
        offset().unwrap_or(text.len())
    }
}

/// Parses an expression.
pub(super) fn parse(text: &str, names: &Names) -> Result<Expr, FilterError> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "the expression has {} bytes; at most {MAX_LENGTH} are allowed",
            text.len()
        );
        return Err(FilterError::new(message, text, MAX_LENGTH..MAX_LENGTH));
    }
    let source = Source(text);
    let mut tokens = Vec::new();
    let mut tokenizer = Tokenizer::new(&FilterDialect, text);
    if let Err(error) = tokenizer.tokenize_with_location_into_buf(&mut tokens) {
        let span = Span::new(error.location, error.location);
        return Err(source.fault_at(span, lower_first(&error.message)));
    }
    check_tokens(source, &tokens, names)?;
    for token in &mut tokens {
        // The canonical text has one spelling of a name.
        if let Token::Word(word) = &mut token.token
            && (names.get(&word.value).is_some() || FUNCTIONS.contains(&word.value.to_ascii_lowercase().as_str()))
        {
            word.value.make_ascii_lowercase();
        }
    }
    let end = Span::new(Location::new(0, 0), Location::new(0, 0));
    let mut parser = Parser::new(&FilterDialect)
        .with_recursion_limit(MAX_DEPTH + 8)
        .with_tokens_with_locations(tokens);
    let expr = parser.parse_expr().map_err(|error| match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
            let (message, location) = located(&message);
            source.fault_at(Span::new(location, location), message)
        }
        ParserError::RecursionLimitExceeded => source.fault_at(end, too_deep()),
    })?;
    let rest = parser.peek_token();
    if rest.token == Token::EOF {
        return Ok(expr);
    }
    let message = format!("expected AND, OR or the end, found {}", rest.token);
    Err(source.fault_at(rest.span, message))
}

fn too_deep() -> String {
    format!("the expression is nested too deeply; at most {MAX_DEPTH} levels are allowed")
}

/// Splits a message of the parser into its text and its location.
fn located(message: &str) -> (String, Location) {
    let (text, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let (line, column) = place.split_once(", Column: ").unwrap_or_default();
    let location = Location::new(line.parse().unwrap_or(0), column.parse().unwrap_or(0));
    let text = text.replace("Expected: ", "expected ").replace("found: ", "found ");
    let text = text
        .strip_suffix("EOF")
        .map_or(text.clone(), |text| format!("{text}the end"));
    (lower_first(&text), location)
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Refuses every token that is not part of the language, and too many of them.
fn check_tokens(source: Source<'_>, tokens: &[TokenWithSpan], names: &Names) -> Result<(), FilterError> {
    let mut tokens = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .peekable();
    if tokens.peek().is_none() {
        return Err(FilterError::new("the expression is empty", source.0, 0..0));
    }
    let (mut words, mut depth) = (0, 0_usize);
    while let Some(TokenWithSpan { token, span }) = tokens.next() {
        let refuse = |message: String| Err(source.fault_at(*span, message));
        words += 1;
        match token {
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Comma => words -= 1,
            Token::Eq | Token::Neq | Token::Lt | Token::LtEq | Token::Gt | Token::GtEq | Token::Plus | Token::Minus => {
            }
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) => {
                let is_call = matches!(tokens.peek(), Some(next) if next.token == Token::LParen);
                check_word(word, is_call, names).or_else(refuse)?;
            }
            Token::DoubleEq => return refuse("equality is written =".to_owned()),
            Token::Mul | Token::Div | Token::Mod | Token::StringConcat | Token::Caret => {
                return refuse(format!("arithmetic is not part of the language: {ALLOWED}"));
            }
            Token::Period => return refuse("columns are named without their table".to_owned()),
            _ => return refuse(format!("{token} is not part of the language: {ALLOWED}")),
        }
        if depth > MAX_DEPTH {
            return refuse(too_deep());
        }
        if words > MAX_WORDS {
            let message = "the expression has too many names and operators";
            return refuse(format!(
                "{message}; at most {MAX_WORDS} are allowed, and any number of values in IN"
            ));
        }
    }
    Ok(())
}

fn check_word(word: &Word, is_call: bool, names: &Names) -> Result<(), String> {
    if word.quote_style.is_some() {
        return names.check(&word.value);
    }
    if is_call && (word.keyword == Keyword::NoKeyword || !KEYWORDS.contains(&word.keyword)) {
        let lower = word.value.to_ascii_lowercase();
        if FUNCTIONS.contains(&lower.as_str()) {
            return Ok(());
        }
        let name = &word.value;
        return Err(format!("the function {name} is not part of the language: {ALLOWED}"));
    }
    if KEYWORDS.contains(&word.keyword) {
        return Ok(());
    }
    let unknown = names.check(&word.value);
    if unknown.is_err() && word.keyword != Keyword::NoKeyword && names.nearest(&word.value).is_none() {
        return Err(format!("{} is not part of the language: {ALLOWED}", word.value));
    }
    unknown
}
