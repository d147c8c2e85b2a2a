//! The functions that a template alone determines; the results of the others are unknown, and named after them.

use super::super::tree::{Name, Node, Part, Text, Value};
use super::Template;

impl Template<'_> {
    /// The node with its functions resolved; `None` for `AWS::NoValue`.
    pub(super) fn resolved(&self, node: &Node) -> Option<Node> {
        let value = match &node.value {
            Value::Object(members) => {
                if let [(name, argument)] = &members[..]
                    && (name.text == "Ref" || name.text.starts_with("Fn::"))
                {
                    return self.function(&name.text, argument, node);
                }
                let member = |(name, node): &(Name, Node)| Some((name.clone(), self.resolved(node)?));
                Value::Object(members.iter().filter_map(member).collect())
            }
            Value::List(items) => Value::List(items.iter().filter_map(|item| self.resolved(item)).collect()),
            Value::Text(text) => dynamic(text),
            other => other.clone(),
        };
        Some(Node::new(node.span.clone(), value))
    }

    fn function(&self, name: &str, argument: &Node, node: &Node) -> Option<Node> {
        let value = match name {
            "Ref" => match argument.text().unwrap_or_default().as_str() {
                "AWS::NoValue" => return None,
                own => self.reference(own).map_or_else(|| Value::Unknown(own.to_owned()), known),
            },
            "Fn::Sub" => self.substituted(argument),
            "Fn::GetAtt" => {
                let parts: Vec<String> = argument.each().iter().filter_map(Node::text).collect();
                // For a policy, `Ref` returns the ARN.
                let whole = parts.join(".");
                Value::Unknown(whole.strip_suffix(".PolicyArn").map_or(whole.clone(), str::to_owned))
            }
            "Fn::Join" => self.joined(argument),
            "Fn::FindInMap" => self.mapped(argument).unwrap_or_else(|| Value::Unknown("FindInMap".to_owned())),
            "Fn::Select" => self.selected(argument).unwrap_or_else(|| Value::Unknown("Select".to_owned())),
            other => Value::Unknown(called(other.trim_start_matches("Fn::"), argument)),
        };
        Some(Node::new(node.span.clone(), value))
    }

    /// What a name stands for: a pseudo parameter, or the name of a user, a group or a role.
    fn reference(&self, name: &str) -> Option<String> {
        self.pseudo(name).or_else(|| self.names.get(name).cloned())
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        let suffix = if self.here.partition.as_str() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        match name {
            "AWS::AccountId" => Some(self.here.account.as_str().to_owned()),
            "AWS::Partition" => Some(self.here.partition.as_str().to_owned()),
            "AWS::URLSuffix" => Some(suffix.to_owned()),
            _ => None,
        }
    }

    /// `Fn::Sub`, with a text, or with a text and the values of its names.
    fn substituted(&self, argument: &Node) -> Value {
        let (text, names) = match &argument.value {
            Value::List(items) => (items.first(), items.get(1)),
            _ => (Some(argument), None),
        };
        let Some(Value::Text(own)) = text.map(|node| &node.value) else { return Value::Unknown("Sub".to_owned()) };
        let Some(whole) = own.whole() else { return Value::Unknown("Sub".to_owned()) };
        let mut parts = Vec::new();
        let mut rest = whole.as_str();
        while let Some((before, (name, after))) =
            rest.split_once("${").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            parts.push(Part::Known(before.to_owned()));
            rest = after;
            let given = || self.resolved(names?.get(name.trim())?);
            match name.trim() {
                // `${!x}` is `${x}` for IAM.
                literal if literal.starts_with('!') => parts.push(Part::Known(format!("${{{}}}", &literal[1..]))),
                name => match given().map(|node| node.value) {
                    Some(Value::Text(text)) => parts.extend(text.parts),
                    Some(Value::Number(number)) => parts.push(Part::Known(number)),
                    Some(Value::Unknown(what)) => parts.push(Part::Unknown(what)),
                    Some(_) => parts.push(Part::Unknown(name.to_owned())),
                    None => {
                        parts.push(self.reference(name).map_or_else(|| Part::Unknown(name.to_owned()), Part::Known));
                    }
                },
            }
        }
        parts.push(Part::Known(rest.to_owned()));
        // If nothing was replaced, the lines keep their places.
        let map = if parts.len() == 1 { own.map.clone() } else { own.map.iter().take(1).copied().collect() };
        match text_of(Text { parts, map }) {
            Value::Text(text) => dynamic(&text),
            other => other,
        }
    }

    /// `Fn::FindInMap`, if its keys are known.
    fn mapped(&self, argument: &Node) -> Option<Value> {
        let [map, first, second, ..] = argument.items() else { return None };
        let key = |node: &Node| match self.resolved(node)?.value {
            Value::Text(text) => text.whole(),
            Value::Number(number) => Some(number),
            _ => None,
        };
        let found = self.root.at(&["Mappings", &key(map)?, &key(first)?, &key(second)?])?;
        Some(found.value.clone())
    }

    /// `Fn::Select`, if the list is known.
    fn selected(&self, argument: &Node) -> Option<Value> {
        let [index, list] = argument.items() else { return None };
        let index: usize = match self.resolved(index)?.value {
            Value::Number(number) => number.parse().ok()?,
            Value::Text(text) => text.whole()?.parse().ok()?,
            _ => return None,
        };
        let list = self.resolved(list)?;
        if list.items().iter().any(|item| matches!(item.value, Value::Unknown(_))) {
            return None;
        }
        Some(list.items().get(index)?.value.clone())
    }

    fn joined(&self, argument: &Node) -> Value {
        let [separator, list] = argument.items() else { return Value::Unknown("Join".to_owned()) };
        let (Some(separator), Value::List(items)) = (separator.text(), &list.value) else {
            return Value::Unknown("Join".to_owned());
        };
        let mut parts = Vec::new();
        for item in items.iter().filter_map(|item| self.resolved(item)) {
            if !parts.is_empty() {
                parts.push(Part::Known(separator.clone()));
            }
            match item.value {
                Value::Text(text) => parts.extend(text.parts),
                Value::Number(number) => parts.push(Part::Known(number)),
                Value::Unknown(what) => parts.push(Part::Unknown(what)),
                _ => return Value::Unknown("Join".to_owned()),
            }
        }
        text_of(Text { parts, map: Vec::new() })
    }
}

/// A function and its first argument, if that is a plain text: `If(IsProduction)`.
fn called(name: &str, argument: &Node) -> String {
    argument.each().first().and_then(Node::text).map_or_else(|| name.to_owned(), |first| format!("{name}({first})"))
}

/// `{{resolve:ssm:NAME}}` is replaced when the stack is created.
fn dynamic(text: &Text) -> Value {
    const START: &str = "{{resolve:";
    let is_dynamic = |part: &Part| matches!(part, Part::Known(text) if text.contains(START));
    if !text.parts.iter().any(is_dynamic) {
        return Value::Text(text.clone());
    }
    let mut parts = Vec::new();
    for part in &text.parts {
        let Part::Known(text) = part else {
            parts.push(part.clone());
            continue;
        };
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(START) {
            let (what, after) = after.split_once("}}").unwrap_or((after, ""));
            parts.extend([Part::Known(before.to_owned()), Part::Unknown(format!("resolve:{what}"))]);
            rest = after;
        }
        parts.push(Part::Known(rest.to_owned()));
    }
    text_of(Text { parts, map: text.map.iter().take(1).copied().collect() })
}

fn known(text: String) -> Value {
    Value::Text(Text::known(text))
}

/// A text; if it consists of a single reference, that reference.
fn text_of(text: Text) -> Value {
    let parts: Vec<Part> =
        text.parts.into_iter().filter(|part| !matches!(part, Part::Known(it) if it.is_empty())).collect();
    match &parts[..] {
        [Part::Unknown(what)] => Value::Unknown(what.clone()),
        _ => Value::Text(Text { parts, map: text.map }),
    }
}
