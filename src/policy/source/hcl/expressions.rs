//! Expressions → values. An expression that only Terraform can evaluate is unknown, and named by its source text.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, Object, ObjectKey};
use hcl_edit::template::{Element, Template};

use super::super::Here;
use super::super::tree::{Name, Node, Part, Text, Value};

/// The limit on how deep local values may refer to each other.
const DEEPEST: usize = 16;

/// The limit on values from one file: local values may multiply by referring to each other.
const MOST: usize = 500_000;

/// What expressions may refer to.
pub(super) struct Scope<'a> {
    text: &'a str,
    here: &'a Here,
    locals: HashMap<&'a str, &'a Expression>,
    depth: Cell<usize>,
    left: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(text: &'a str, here: &'a Here, locals: HashMap<&'a str, &'a Expression>) -> Self {
        Self { text, here, locals, depth: Cell::new(0), left: Cell::new(MOST) }
    }

    pub(super) fn node(&self, expression: &Expression) -> Node {
        let span = expression.span().unwrap_or_default();
        let Some(left) = self.left.get().checked_sub(1) else {
            return Node::new(span, Value::Unknown("too many values".to_owned()));
        };
        self.left.set(left);
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(it) => Value::Bool(**it),
            Expression::Number(it) => Value::Number(it.value().to_string()),
            Expression::String(it) => Value::Text(Text::known(it.as_str())),
            Expression::Array(items) => Value::List(items.iter().map(|it| self.node(it)).collect()),
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(it) => self.template(it.iter(), &span),
            Expression::HeredocTemplate(it) => self.heredoc(&it.template),
            Expression::Parenthesis(it) => return Node { span, ..self.node(it.inner()) },
            Expression::FuncCall(call) => return self.call(call, span),
            Expression::Traversal(_) => return self.reference(span),
            _ => self.unknown(&span),
        };
        Node::new(span, value)
    }

    fn unknown(&self, span: &Range<usize>) -> Value {
        const MOST: usize = 60;
        let words = self.text.get(span.clone()).unwrap_or_default();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = words.chars().take(MOST).collect();
        Value::Unknown(if short.len() < words.len() { short + "…" } else { short })
    }

    fn object(&self, object: &Object) -> Value {
        let mut members = Vec::new();
        for (key, value) in object {
            let text = match key {
                ObjectKey::Ident(ident) => Some(ident.to_string()),
                ObjectKey::Expression(Expression::Variable(name)) => Some(name.to_string()),
                ObjectKey::Expression(expression) => self.node(expression).text(),
            };
            // An unknown name makes the whole object unknown.
            let Some(text) = text else { return self.unknown(&key.span().unwrap_or_default()) };
            members.push((Name { text, span: key.span().unwrap_or_default() }, self.node(value.expr())));
        }
        Value::Object(members)
    }

    fn template<'e>(&self, elements: impl Iterator<Item = &'e Element>, span: &Range<usize>) -> Value {
        let mut parts = Vec::new();
        for element in elements {
            match element {
                Element::Literal(text) => parts.push(Part::Known(text.as_str().to_owned())),
                Element::Interpolation(it) => self.interpolated(&it.expr, &mut parts),
                Element::Directive(_) => return self.unknown(span),
            }
        }
        whole(Text { parts, map: Vec::new() })
    }

    fn interpolated(&self, expression: &Expression, parts: &mut Vec<Part>) {
        match self.node(expression).value {
            Value::Text(text) => parts.extend(text.parts),
            Value::Number(number) => parts.push(Part::Known(number)),
            Value::Bool(is) => parts.push(Part::Known(is.to_string())),
            Value::Unknown(what) => parts.push(Part::Unknown(what)),
            Value::Null | Value::List(_) | Value::Object(_) => {
                if let Value::Unknown(what) = self.unknown(&expression.span().unwrap_or_default()) {
                    parts.push(Part::Unknown(what));
                }
            }
        }
    }

    /// A text of several lines, with the place of each.
    fn heredoc(&self, template: &Template) -> Value {
        let (mut parts, mut map, mut length) = (Vec::new(), Vec::new(), 0);
        for element in template {
            let span = element.span().unwrap_or_default();
            match element {
                Element::Literal(text) => {
                    lines(text.as_str(), self.text.get(span.clone()).unwrap_or_default(), |own, raw| {
                        map.push((length + own, span.start + raw));
                    });
                    length += text.len();
                    parts.push(Part::Known(text.as_str().to_owned()));
                }
                Element::Interpolation(it) => {
                    map.push((length, span.start));
                    let before = parts.len();
                    self.interpolated(&it.expr, &mut parts);
                    length += Text { parts: parts[before..].to_vec(), map: Vec::new() }.marked().0.len();
                }
                Element::Directive(_) => return self.unknown(&span),
            }
        }
        whole(Text { parts, map })
    }

    fn call(&self, call: &FuncCall, span: Range<usize>) -> Node {
        let name = call.name.name.as_str();
        let is_plain = call.name.namespace.is_empty() && !call.args.expand_final();
        let mut arguments = call.args.iter();
        let value = match (name, call.args.len()) {
            (
                "jsonencode" | "tolist" | "toset" | "distinct" | "compact" | "tostring" | "trimspace" | "sensitive"
                | "nonsensitive",
                1,
            ) if is_plain => arguments.next().map(|argument| self.node(argument).value),
            ("concat" | "flatten" | "setunion", _) if is_plain => Some(self.concatenated(arguments)),
            _ => None,
        };
        Node::new(span.clone(), value.unwrap_or_else(|| self.unknown(&span)))
    }

    fn concatenated<'e>(&self, arguments: impl Iterator<Item = &'e Expression>) -> Value {
        let mut items = Vec::new();
        for argument in arguments {
            let node = self.node(argument);
            match node.value {
                Value::List(own) => items.extend(own.into_iter().flat_map(|item| match item.value {
                    Value::List(inner) => inner,
                    _ => vec![item],
                })),
                _ => items.push(node),
            }
        }
        Value::List(items)
    }

    /// A local value, a known attribute of the account, or an unknown reference.
    fn reference(&self, span: Range<usize>) -> Node {
        let words: String = self.text.get(span.clone()).unwrap_or_default().split_whitespace().collect();
        let local = words.strip_prefix("local.").and_then(|name| self.locals.get(name));
        if let Some(expression) = local
            && self.depth.get() < DEEPEST
        {
            self.depth.set(self.depth.get() + 1);
            let node = self.node(expression);
            self.depth.set(self.depth.get() - 1);
            return node;
        }
        let data = words.strip_prefix("data.").unwrap_or_default();
        let is = |kind: &str, attribute: &[&str]| {
            let parts: Vec<&str> = data.split('.').collect();
            matches!(parts[..], [own, _, last] if own.split('[').next() == Some(kind) && attribute.contains(&last))
        };
        let known = if is("aws_caller_identity", &["account_id", "id"]) {
            Some(self.here.account.as_str())
        } else if is("aws_partition", &["partition", "id"]) {
            Some(self.here.partition.as_str())
        } else {
            None
        };
        let value = known.map_or_else(|| self.unknown(&span), |known| Value::Text(Text::known(known)));
        Node::new(span, value)
    }
}

/// A text that consists of a single reference is that reference.
fn whole(text: Text) -> Value {
    match &text.parts[..] {
        [Part::Unknown(what)] => Value::Unknown(what.clone()),
        _ => Value::Text(text),
    }
}

/// Calls `at` with the start of each line of the text, and its place in the source, which may be indented.
fn lines(text: &str, raw: &str, mut at: impl FnMut(usize, usize)) {
    let (mut own, mut source) = (0, 0);
    for (line, from) in text.split_inclusive('\n').zip(raw.split_inclusive('\n')) {
        let indent = if from.len() > line.len() && from.ends_with(line) { from.len() - line.len() } else { 0 };
        at(own, source + indent);
        own += line.len();
        source += from.len();
    }
}
