//! The names of the values on a line.

use crate::formats::{MAX_NAME, Plan, vended_type};
use crate::parse::line::{Fault, Reason};

/// The names of the values on a line, in their order. Most lines of an object have the same ones, so they are looked up and
/// checked once.
#[derive(Debug, Default)]
pub(super) struct Names {
    list: Vec<Name>,
    /// The fault of the names; `None` if there is none. Of no names, that they are not those of the log type.
    fault: Option<(Reason, Option<&'static str>)>,
    checked: bool,
}

#[derive(Debug)]
struct Name {
    text: Box<[u8]>,
    /// The number of the field that has the name.
    field: Option<usize>,
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Names {
    /// Returns these names, checked. They are added to the unknown values of each line, so they may not be long.
    pub(super) fn of<'a>(plan: &Plan, names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut known = Self::default();
        for (number, name) in names.enumerate() {
            known.resolve(plan, number, name);
        }
        known.end(plan, known.list.len());
        if known.list.iter().any(|name| name.text.len() > MAX_NAME) {
            known.fault = Some((Reason::OtherLogType, None));
        }
        known
    }

    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the names with the field of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<usize>)> {
        self.list.iter().map(|name| (&*name.text, name.field))
    }

    /// Returns the field of the name at this position of the line.
    pub(super) fn resolve(&mut self, plan: &Plan, position: usize, text: &[u8]) -> Option<usize> {
        if let Some(name) = self.list.get(position)
            && *name.text == *text
        {
            return name.field;
        }
        self.list.truncate(position);
        self.checked = false;
        let field = plan.format.vended_field(text);
        self.list.push(Name {
            text: text.into(),
            field,
        });
        field
    }

    /// Ends the names of a line after the first `len`, and checks them if they are not those of the line before.
    pub(super) fn end(&mut self, plan: &Plan, len: usize) {
        if self.checked && self.list.len() == len {
            return;
        }
        self.list.truncate(len);
        self.checked = true;
        self.fault = self.repeated(plan);
        if self.fault.is_none() && vended_type(&self.list) != Some(plan.format.log_type) {
            self.fault = Some((Reason::OtherLogType, None));
        }
    }

    /// Returns the fault if a name occurs twice, or two names are of the same field.
    fn repeated(&self, plan: &Plan) -> Option<(Reason, Option<&'static str>)> {
        let mut fields: Vec<_> = self.list.iter().filter_map(|name| name.field).collect();
        fields.sort_unstable();
        let twice = fields.windows(2).find(|pair| pair.first() == pair.last());
        if let Some(field) = twice.and_then(|pair| plan.fields.get(*pair.first()?)) {
            return Some((Reason::DuplicateField, Some(field.field.name)));
        }
        let unknown = self.list.iter().filter(|name| name.field.is_none());
        let mut unknown: Vec<_> = unknown.map(|name| &name.text).collect();
        unknown.sort_unstable();
        let twice = unknown.windows(2).any(|pair| pair.first() == pair.last());
        twice.then_some((Reason::DuplicateField, None))
    }

    /// Fails if the names are not those of the log type, or one is repeated.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let fault = if self.checked {
            self.fault
        } else {
            Some((Reason::OtherLogType, None))
        };
        match fault {
            Some((reason, field)) => Err(Fault { reason, field, at: 0 }),
            None => Ok(()),
        }
    }
}
