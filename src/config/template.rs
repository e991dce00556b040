//! Texts with gaps: `{feed}`, `{tag}`.

use super::fields::Fields;
use super::value::{nearest, quoted};

/// The names in a template's gaps.
pub(super) fn gaps(template: &str) -> Result<Vec<&str>, &'static str> {
    let mut gaps = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let gap = rest[at..].strip_prefix('{').ok_or("a `}` has no `{` before it")?;
        let (name, after) = gap.split_once('}').ok_or("a `{` is never closed")?;
        gaps.push(name);
        rest = after;
    }
    Ok(gaps)
}

/// Complains of gaps that nothing fills.
pub(super) fn check(fields: &Fields<'_>, key: &str, template: &str, known: &[&'static str]) {
    if !fields.has(key) {
        return;
    }
    let list = known.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
    match gaps(template) {
        Err(why) => fields.wrong(key, format!("`{key}`: {why}"), &format!("what can stand there: {list}")),
        Ok(gaps) => {
            for gap in gaps.iter().filter(|gap| !known.contains(gap)) {
                let hint = match nearest(gap, known) {
                    Some(near) => format!("did you mean {{{near}}}?"),
                    None => format!("what can stand there: {list}"),
                };
                fields.wrong(key, format!("`{key}` has no value for {}", quoted(&format!("{{{gap}}}"))), &hint);
            }
        }
    }
}
