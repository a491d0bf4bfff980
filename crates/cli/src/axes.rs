//! The axes of a sweep, and the systems that an experiment's templates make of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::args::UsageError;

/// The values along each axis, by its name, as the file spells them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Axes(BTreeMap<String, Vec<Value>>);

/// A value on an axis.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a text, such as \"5min\", or a number")]
enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Whole(number) => number.fmt(f),
            Value::Number(number) => number.fmt(f),
        }
    }
}

/// A system, and where it stands on the axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// The system, every `{axis}` replaced.
    pub(crate) system: String,
    /// The axes that it stands on, with its values, in the order in which its template names
    /// them.
    pub(crate) values: Vec<(String, String)>,
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Plain(&'a str),
    Axis(&'a str),
}

impl Axes {
    /// More systems are a mistake in writing.
    const N_POINTS_MAX: usize = 10_000;

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the axes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What the templates stand for: each of them once with every combination of the values of
    /// the axes that it names as `{axis}`. The axis that it names first changes last.
    ///
    /// # Errors
    /// If a template names an axis that there is not, or there would be too many.
    pub(crate) fn points(&self, templates: &[String]) -> Result<Vec<Point>, UsageError> {
        let mut points = Vec::new();
        for template in templates {
            let parts = parts(template)?;
            let mut of_template = vec![Vec::new()];
            for (axis, values) in self.named_in(&parts, template)? {
                let n_points = of_template.len().saturating_mul(values.len());
                if Self::N_POINTS_MAX < points.len().saturating_add(n_points) {
                    return Err(UsageError(format!(
                        "`{template}` stands for {n_points} systems or more; at most {} can be \
                         swept, so leave out values",
                        Self::N_POINTS_MAX
                    )));
                }
                let with = |before: Vec<(String, String)>| {
                    let then = values.iter().map(move |it| {
                        let mut values = before.clone();
                        values.push((axis.to_owned(), it.to_string()));
                        values
                    });
                    then.collect::<Vec<_>>()
                };
                of_template = of_template.into_iter().flat_map(with).collect();
            }
            points.extend(of_template.into_iter().map(|it| point(&parts, it)));
        }
        Ok(points)
    }

    /// Makes sure that every axis has values, and is named by one of the templates.
    ///
    /// # Errors
    /// If not.
    pub(crate) fn check<'a>(
        &self,
        templates: impl Iterator<Item = &'a String>,
    ) -> Result<(), UsageError> {
        let mut named = BTreeSet::new();
        for template in templates {
            named.extend(parts(template)?.into_iter().filter_map(|it| match it {
                Part::Axis(axis) => Some(axis),
                Part::Plain(_) => None,
            }));
        }
        for (axis, values) in &self.0 {
            if values.is_empty() {
                return Err(UsageError(format!("`sweep.{axis}` is empty; write its values")));
            }
            if !named.contains(axis.as_str()) {
                return Err(UsageError(format!(
                    "`sweep.{axis}` is in no system; write {{{axis}}} where its values go in \
                     `systems`"
                )));
            }
        }
        Ok(())
    }

    /// The axes that a template names, each once.
    fn named_in<'a>(
        &'a self,
        parts: &[Part<'a>],
        template: &str,
    ) -> Result<Vec<(&'a str, &'a [Value])>, UsageError> {
        let mut named: Vec<(&str, &[Value])> = Vec::new();
        for part in parts {
            let Part::Axis(axis) = part else { continue };
            if named.iter().any(|(it, _)| it == axis) {
                continue;
            }
            let values = self.0.get(*axis).ok_or_else(|| {
                let known: Vec<String> = self.names().map(|it| format!("{{{it}}}")).collect();
                let hint = match known.as_slice() {
                    [] => "write its values into a table [sweep]".to_owned(),
                    _ => format!("it has {}", known.join(", ")),
                };
                UsageError(format!("`{template}`: `sweep` has no {{{axis}}}; {hint}"))
            })?;
            named.push((axis, values));
        }
        Ok(named)
    }
}

/// The parts of a template.
fn parts(template: &str) -> Result<Vec<Part<'_>>, UsageError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((plain, after)) = rest.split_once('{') {
        let Some((axis, after)) = after.split_once('}') else {
            let how = "an axis is written {so}";
            return Err(UsageError(format!("`{template}`: a brace is not closed; {how}")));
        };
        parts.extend([Part::Plain(plain), Part::Axis(axis.trim())]);
        rest = after;
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
}

fn point(parts: &[Part<'_>], values: Vec<(String, String)>) -> Point {
    let mut system = String::new();
    for part in parts {
        match part {
            Part::Plain(text) => system.push_str(text),
            Part::Axis(axis) => {
                let value = values.iter().find(|(it, _)| it == axis);
                system.push_str(&value.expect("every axis of the template has a value").1);
            }
        }
    }
    Point { system, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axes: &str, templates: &[&str], expect: Result<&[&str], &str>) {
        let axes: Axes = toml::from_str(axes).unwrap();
        let templates: Vec<String> = templates.iter().map(|it| (*it).to_owned()).collect();
        let points = axes.check(templates.iter()).and_then(|()| axes.points(&templates));
        let systems = points.map(|it| it.into_iter().map(|it| it.system).collect::<Vec<_>>());
        let expect = expect.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(systems.map_err(|it| it.to_string()), expect.map_err(str::to_owned));
    }

    #[test]
    fn a_template_stands_for_every_combination() {
        check(
            "n = [2, 4.5]\nwhat = [\"a\", \"b\"]",
            &["x", "p:{what},{ n },{what}", "{n}"],
            Ok(&["x", "p:a,2,a", "p:a,4.5,a", "p:b,2,b", "p:b,4.5,b", "2", "4.5"]),
        );
        check("", &["x"], Ok(&["x"]));
    }

    #[test]
    fn a_mistake_is_named() {
        check("n = [1]", &["p:{m}", "{n}"], Err("`p:{m}`: `sweep` has no {m}; it has {n}"));
        check(
            "",
            &["p:{m}"],
            Err("`p:{m}`: `sweep` has no {m}; write its values into a table [sweep]"),
        );
        check("n = [1]", &["p:{n"], Err("`p:{n`: a brace is not closed; an axis is written {so}"));
        check("n = []", &["{n}"], Err("`sweep.n` is empty; write its values"));
        check(
            "n = [1]",
            &["p"],
            Err("`sweep.n` is in no system; write {n} where its values go in `systems`"),
        );
        let many: Vec<String> = (0..101).map(|it| it.to_string()).collect();
        let many = many.join(",");
        check(
            &format!("m = [{many}]\nn = [{many}]"),
            &["{m}{n}"],
            Err("`{m}{n}` stands for 10201 systems or more; at most 10000 can be swept, so leave \
                 out values"),
        );
    }

    #[test]
    fn a_point_says_where_it_stands() {
        let axes: Axes = toml::from_str("a = [1]\nb = [2]").unwrap();
        let points = axes.points(&["{b}/{a}".to_owned()]).unwrap();
        let values = [("b", "2"), ("a", "1")].map(|(axis, value)| (axis.into(), value.into()));
        assert_eq!(points, [Point { system: "2/1".to_owned(), values: values.to_vec() }]);
    }
}
