//! Checks the types of a parsed expression.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, Spanned as _,
    TimezoneInfo, TypedString, UnaryOperator, Value, ValueWithSpan,
};

use super::FilterError;
use super::like::Pattern;
use super::literal::{Number, time};
use super::names::{Named, Names};
use super::node::{Node, Op, Test, order};
use super::parse::{FUNCTIONS, Source};
use super::truth::Truth;
use crate::formats::Kind;

/// The maximum depth of a tree, in which AND and OR have any number of operands.
const MAX_DEPTH: usize = 100;

/// A checker, and the columns that it has found so far.
pub(super) struct Checker<'a> {
    pub(super) source: Source<'a>,
    pub(super) names: &'a Names,
    /// Each column once, and the place of its first mention.
    pub(super) columns: Vec<(Named, std::ops::Range<usize>)>,
    pub(super) depth: usize,
}

/// A side of a comparison.
enum Operand {
    Column(usize, Kind),
    Number(Number),
    Text(String),
    Time(i64),
    Null,
}

type Checked<T> = Result<T, FilterError>;

impl Checker<'_> {
    /// Returns the condition of an expression.
    pub(super) fn condition(&mut self, expr: &Expr) -> Checked<Node> {
        if self.depth == MAX_DEPTH {
            return Err(self.source.fault(expr, "the expression is nested too deeply"));
        }
        self.depth += 1;
        let node = self.nested_condition(expr);
        self.depth -= 1;
        node
    }

    fn nested_condition(&mut self, expr: &Expr) -> Checked<Node> {
        let node = match expr {
            Expr::Nested(inner) => self.condition(inner)?,
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => not(self.condition(expr)?),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And => Node::And(self.operands(expr, &BinaryOperator::And)?),
                BinaryOperator::Or => Node::Or(self.operands(expr, &BinaryOperator::Or)?),
                _ => self.comparison(left, self.operator(expr, op)?, right)?,
            },
            Expr::IsNull(inner) => self.is_null(inner)?,
            Expr::IsNotNull(inner) => not(self.is_null(inner)?),
            Expr::IsTrue(inner) => self.is(inner, Truth::True)?,
            Expr::IsNotTrue(inner) => not(self.is(inner, Truth::True)?),
            Expr::IsFalse(inner) => self.is(inner, Truth::False)?,
            Expr::IsNotFalse(inner) => not(self.is(inner, Truth::False)?),
            Expr::IsUnknown(inner) => self.is(inner, Truth::Null)?,
            Expr::IsNotUnknown(inner) => not(self.is(inner, Truth::Null)?),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let low = self.comparison_or_null(expr, Op::GreaterOrEqual, low)?;
                let high = self.comparison_or_null(expr, Op::LessOrEqual, high)?;
                negated_if(*negated, Node::And(vec![low, high]))
            }
            Expr::In {
                expr: inner,
                target: InTarget::List(list),
                negated,
                ..
            } => negated_if(*negated, self.in_list(inner, list)?),
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => negated_if(*negated, self.like(expr, pattern, escape_char.as_deref(), false)?),
            Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => negated_if(*negated, self.like(expr, pattern, escape_char.as_deref(), true)?),
            Expr::Function(function) => self.contains(expr, function)?,
            Expr::Value(ValueWithSpan {
                value: Value::Boolean(holds),
                ..
            }) => Node::Constant(Truth::from(*holds)),
            Expr::Value(ValueWithSpan { value: Value::Null, .. }) => Node::Constant(Truth::Null),
            Expr::Identifier(_) | Expr::Value(_) | Expr::TypedString(_) => {
                let what = self.operand(expr)?;
                let message = format!("{} is not a condition; compare it", self.describe(&what));
                return Err(self.source.fault(expr, message));
            }
            _ => return Err(self.source.fault(expr, "this is not a condition")),
        };
        Ok(node)
    }

    /// Returns the operands of a chain of ANDs or of ORs, which is a tree whose left side may be very deep.
    fn operands(&mut self, expr: &Expr, wanted: &BinaryOperator) -> Checked<Vec<Node>> {
        let (mut first, mut others) = (expr, Vec::new());
        while let Expr::BinaryOp { left, op, right } = first
            && op == wanted
        {
            others.push(&**right);
            first = left;
        }
        let all = std::iter::once(first).chain(others.into_iter().rev());
        all.map(|operand| self.condition(operand)).collect()
    }

    fn operator(&self, expr: &Expr, op: &BinaryOperator) -> Checked<Op> {
        Ok(match op {
            BinaryOperator::Eq => Op::Equal,
            BinaryOperator::NotEq => Op::NotEqual,
            BinaryOperator::Lt => Op::Less,
            BinaryOperator::LtEq => Op::LessOrEqual,
            BinaryOperator::Gt => Op::Greater,
            BinaryOperator::GtEq => Op::GreaterOrEqual,
            _ => return Err(self.arithmetic(expr, op)),
        })
    }

    fn arithmetic(&self, expr: &Expr, op: &BinaryOperator) -> FilterError {
        let message =
            format!("arithmetic is not part of the language: compute the value before and write it in place of {op}");
        self.source.fault(expr, message)
    }

    fn is(&mut self, inner: &Expr, truth: Truth) -> Checked<Node> {
        Ok(Node::Is(Box::new(self.condition(inner)?), truth))
    }

    fn is_null(&mut self, inner: &Expr) -> Checked<Node> {
        match unnested(inner) {
            column @ Expr::Identifier(_) => Ok(Node::IsNull(self.column(column)?.0)),
            _ => self.is(inner, Truth::Null),
        }
    }

    /// Compares with a value that may be the literal NULL.
    fn comparison_or_null(&mut self, left: &Expr, op: Op, right: &Expr) -> Checked<Node> {
        if matches!(self.operand(right)?, Operand::Null) {
            self.operand(left)?;
            return Ok(Node::Constant(Truth::Null));
        }
        self.comparison(left, op, right)
    }

    fn comparison(&mut self, left: &Expr, op: Op, right: &Expr) -> Checked<Node> {
        let sides = (self.operand(left)?, self.operand(right)?);
        match sides {
            (Operand::Null, _) => Err(self.never(left)),
            (_, Operand::Null) => Err(self.never(right)),
            (Operand::Column(column, kind), Operand::Column(other, other_kind)) => {
                let is_number = |kind| matches!(kind, Kind::Int32 | Kind::Int64 | Kind::Float64);
                self.check_comparable(left, column, kind)?;
                self.check_comparable(right, other, other_kind)?;
                if kind == other_kind || is_number(kind) && is_number(other_kind) {
                    return Ok(Node::Compare(column, op, other));
                }
                let (one, two) = (self.describe(&sides.0), self.describe(&sides.1));
                Err(self
                    .source
                    .fault(right, format!("{two}, and {one}; they cannot be compared")))
            }
            (Operand::Column(column, kind), literal) => self.test(left, (column, kind), op, right, literal),
            (literal, Operand::Column(column, kind)) => self.test(right, (column, kind), op.flipped(), left, literal),
            _ => Err(self.source.fault(left, "neither side of the comparison is a column")),
        }
    }

    fn never(&self, null: &Expr) -> FilterError {
        let message = "no comparison with NULL is ever true; write IS NULL or IS NOT NULL";
        self.source.fault(null, message)
    }

    fn check_comparable(&self, expr: &Expr, column: usize, kind: Kind) -> Checked<()> {
        if kind != Kind::TextList {
            return Ok(());
        }
        let name = self.name(column);
        let message = format!("{name} is a list of texts; write array_contains({name}, 'text') or {name} IS NULL");
        Err(self.source.fault(expr, message))
    }

    /// Compares a column with a literal.
    fn test(
        &self,
        place: &Expr,
        (column, kind): (usize, Kind),
        op: Op,
        literal_place: &Expr,
        literal: Operand,
    ) -> Checked<Node> {
        self.check_comparable(place, column, kind)?;
        let test = match (kind, self.fitting(column, kind, literal_place, literal)?) {
            (Kind::Float64, Operand::Number(number)) => Test::Float(op, number.float),
            (_, Operand::Number(number)) => Test::Integer(number.within(op)),
            (_, Operand::Time(time)) => Test::Integer(Number::integer(time).within(op)),
            (_, Operand::Text(text)) => Test::Text(op, text.into_bytes()),
            (_, Operand::Column(..) | Operand::Null) => return Err(self.never(literal_place)),
        };
        Ok(Node::Test(column, test))
    }

    /// Returns a literal as a value of a column's kind.
    fn fitting(&self, column: usize, kind: Kind, place: &Expr, literal: Operand) -> Checked<Operand> {
        let name = self.name(column);
        let message = match (kind, literal) {
            (Kind::Timestamp, Operand::Text(text)) => match time(&text) {
                Some(time) => return Ok(Operand::Time(time)),
                None => format!("{name} is a time; write it in UTC as '2026-10-07 11:45:00'"),
            },
            (Kind::Text | Kind::TextList, text @ Operand::Text(_))
            | (Kind::Int32 | Kind::Int64 | Kind::Float64, text @ Operand::Number(_))
            | (Kind::Timestamp, text @ Operand::Time(_))
            | (_, text @ Operand::Null) => return Ok(text),
            (Kind::Text | Kind::TextList, _) => format!("{name} is text; write the value in single quotes"),
            (Kind::Timestamp, _) => format!("{name} is a time; write it in UTC as '2026-10-07 11:45:00'"),
            (_, Operand::Text(_)) => format!("{name} is a number; write the value without quotes"),
            (_, _) => format!("{name} is a number"),
        };
        Err(self.source.fault(place, message))
    }

    fn in_list(&mut self, inner: &Expr, list: &[Expr]) -> Checked<Node> {
        let (column, kind) = self.column(inner)?;
        self.check_comparable(inner, column, kind)?;
        let (mut numbers, mut integers, mut texts, mut has_null) = (Vec::new(), Vec::new(), Vec::new(), false);
        for item in list {
            let value = match self.operand(item)? {
                Operand::Column(..) => {
                    let message = "the values of IN are literals; compare with a column by = and OR";
                    return Err(self.source.fault(item, message));
                }
                literal => self.fitting(column, kind, item, literal)?,
            };
            match value {
                Operand::Number(number) => {
                    numbers.push(number.float);
                    integers.extend(number.as_integer());
                }
                Operand::Time(time) => integers.push(time),
                Operand::Text(text) => texts.push(text.into_bytes()),
                Operand::Column(..) | Operand::Null => has_null = true,
            }
        }
        numbers.sort_by(|left, right| order(*left, *right));
        integers.sort_unstable();
        texts.sort_unstable();
        let test = Node::Test(
            column,
            match kind {
                Kind::Float64 => Test::Floats(numbers),
                Kind::Text | Kind::TextList => Test::Texts(texts),
                Kind::Int32 | Kind::Int64 | Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => {
                    Test::Integers(integers)
                }
            },
        );
        // `x IN (1, NULL)` is `x = 1 OR x = NULL`.
        Ok(if has_null {
            Node::Or(vec![test, Node::Constant(Truth::Null)])
        } else {
            test
        })
    }

    fn like(&mut self, inner: &Expr, pattern: &Expr, escape: Option<&Expr>, ignore_case: bool) -> Checked<Node> {
        let (column, kind) = self.column(inner)?;
        self.check_comparable(inner, column, kind)?;
        if kind != Kind::Text {
            let message = format!("{}; LIKE compares texts", self.describe(&Operand::Column(column, kind)));
            return Err(self.source.fault(inner, message));
        }
        let Operand::Text(text) = self.operand(pattern)? else {
            return Err(self
                .source
                .fault(pattern, "the pattern of LIKE is a text in single quotes"));
        };
        let escape = escape.map(|escape| self.escape(escape)).transpose()?;
        let Some(compiled) = Pattern::new(&text, escape, ignore_case) else {
            let message = "the pattern ends with its escape character, after which a character must follow";
            return Err(self.source.fault(pattern, message));
        };
        Ok(Node::Test(column, Test::Like(Box::new(compiled))))
    }

    fn escape(&mut self, escape: &Expr) -> Checked<char> {
        if let Operand::Text(text) = self.operand(escape)? {
            let mut characters = text.chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                return Ok(character);
            }
        }
        Err(self
            .source
            .fault(escape, "the escape is one character in single quotes"))
    }

    fn contains(&mut self, expr: &Expr, function: &Function) -> Checked<Node> {
        let name = function.name.to_string().to_ascii_lowercase();
        let FunctionArguments::List(list) = &function.args else {
            return Err(self.source.fault(expr, "this is not a condition"));
        };
        let arguments: Vec<_> = list
            .args
            .iter()
            .filter_map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => Some(argument),
                _ => None,
            })
            .collect();
        let plain = list.args.len() == 2 && list.clauses.is_empty() && list.duplicate_treatment.is_none();
        let ([column, item], true) = (arguments.as_slice(), plain && FUNCTIONS.contains(&name.as_str())) else {
            let message = format!("{name} takes a column of lists and a text, as {name}(actions_executed, 'waf')");
            return Err(self.source.fault_at(function.name.span(), message));
        };
        let (number, kind) = self.column(column)?;
        if kind != Kind::TextList {
            let message = format!(
                "{}, not a list; compare it",
                self.describe(&Operand::Column(number, kind))
            );
            return Err(self.source.fault(column, message));
        }
        match self.operand(item)? {
            Operand::Text(text) => Ok(Node::Test(number, Test::Contains(text.into_bytes()))),
            _ => Err(self.source.fault(item, "the item is a text in single quotes")),
        }
    }

    /// Returns the number and the kind of a column.
    fn column(&mut self, expr: &Expr) -> Checked<(usize, Kind)> {
        match self.operand(expr)? {
            Operand::Column(column, kind) => Ok((column, kind)),
            _ => Err(self.source.fault(expr, "this must be a column")),
        }
    }

    fn operand(&mut self, expr: &Expr) -> Checked<Operand> {
        match unnested(expr) {
            Expr::Identifier(name) => {
                let place = self.source.range(name.span);
                let known = self.names.get(&name.value);
                let Some(named) = known else {
                    let message = self.names.check(&name.value).err().unwrap_or_default();
                    return Err(self.source.fault(expr, message));
                };
                let number = self.columns.iter().position(|(column, _)| column.name == named.name);
                let number = number.unwrap_or_else(|| {
                    self.columns.push((named.clone(), place));
                    self.columns.len() - 1
                });
                Ok(Operand::Column(number, named.kind))
            }
            Expr::Value(value) => self.literal(expr, &value.value, false),
            Expr::UnaryOp {
                op: op @ (UnaryOperator::Minus | UnaryOperator::Plus),
                expr: inner,
            } => match &**inner {
                Expr::Value(ValueWithSpan {
                    value: value @ Value::Number(..),
                    ..
                }) => self.literal(inner, value, *op == UnaryOperator::Minus),
                _ => Err(self.source.fault(inner, "only a number has a sign")),
            },
            Expr::TypedString(TypedString {
                data_type: DataType::Timestamp(None, TimezoneInfo::None),
                value,
                ..
            }) => match &value.value {
                Value::SingleQuotedString(text) => time(text).map(Operand::Time).ok_or_else(|| {
                    let message = "this is not a time; write it in UTC as TIMESTAMP '2026-10-07 11:45:00'";
                    self.source.fault(expr, message)
                }),
                _ => Err(self
                    .source
                    .fault(expr, "a time is written TIMESTAMP '2026-10-07 11:45:00'")),
            },
            Expr::BinaryOp {
                op: op @ (BinaryOperator::Plus | BinaryOperator::Minus),
                ..
            } => Err(self.arithmetic(expr, op)),
            _ => Err(self.source.fault(expr, "this must be a column or a literal")),
        }
    }

    fn literal(&self, place: &Expr, value: &Value, negative: bool) -> Checked<Operand> {
        match value {
            Value::Number(digits, _) => {
                let number = Number::parse(digits, negative);
                let message = "this is not a number that a column can have";
                number
                    .map(Operand::Number)
                    .ok_or_else(|| self.source.fault(place, message))
            }
            Value::SingleQuotedString(text) => Ok(Operand::Text(text.clone())),
            Value::Null => Ok(Operand::Null),
            _ => Err(self.source.fault(place, "this must be a column or a literal")),
        }
    }

    fn name(&self, column: usize) -> &'static str {
        self.columns.get(column).map_or("", |(column, _)| column.name)
    }

    fn describe(&self, operand: &Operand) -> String {
        match operand {
            Operand::Column(column, kind) => {
                let kind = match kind {
                    Kind::Text => "text",
                    Kind::Int32 | Kind::Int64 => "an integer",
                    Kind::Float64 => "a number",
                    Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => "a time",
                    Kind::TextList => "a list of texts",
                };
                format!("{} is {kind}", self.name(*column))
            }
            Operand::Number(_) => "a number".to_owned(),
            Operand::Text(_) => "a text".to_owned(),
            Operand::Time(_) => "a time".to_owned(),
            Operand::Null => "NULL".to_owned(),
        }
    }
}

fn unnested(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

fn not(node: Node) -> Node {
    Node::Not(Box::new(node))
}

fn negated_if(negated: bool, node: Node) -> Node {
    if negated { not(node) } else { node }
}
