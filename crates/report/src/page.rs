//! The page that shows everything: one HTML file that needs nothing else.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::chart::{Figure, dark_colors};
use crate::grid::Grid;
use crate::number::signed;
use crate::scoreboard::{self, Kind, Row, Tolerance, Verdict, decimals, two_digits};

/// What a page shows, in its order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What it is about: paragraphs.
    pub lead: Vec<String>,
    /// What to remember.
    pub facts: Vec<Fact>,
    /// The scoreboard, if there is one.
    pub scoreboard: Option<Scoreboard>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Figures, by section.
    pub sections: Vec<Section>,
    /// How it was made, in lines.
    pub receipts: Vec<String>,
}

/// A number to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The number, with its unit.
    pub value: String,
    /// Its 95 % interval; empty where chance does not enter.
    pub interval: String,
    /// What it is.
    pub name: String,
    /// What to compare it with; may be empty.
    pub detail: String,
}

/// The scoreboard and what is known of its misses.
#[derive(Clone, Debug, Default)]
pub struct Scoreboard {
    /// Its rows.
    pub rows: Vec<Row>,
    /// The half-widths of the 95 % intervals of ours, by id, where ours is a mean.
    pub half_widths: BTreeMap<String, f64>,
    /// Why a row misses, by id, as far as it is known.
    pub reasons: BTreeMap<String, String>,
    /// The ids of published numbers of which there is none of ours.
    pub not_run: Vec<String>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Its title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// The names of its columns.
    pub header: Vec<String>,
    /// Its rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
    /// How many of the columns, from the left, are words and not numbers.
    pub n_words: usize,
    /// How it was made; nothing where the page says so elsewhere.
    pub made: Option<Making>,
}

/// How a figure or a table was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Making {
    /// The question it answers.
    pub question: String,
    /// Where the numbers were published that ours stand beside.
    pub sources: Vec<String>,
    /// The experiment, or what stands in for one.
    pub configuration: String,
    /// What made it.
    pub receipts: Vec<String>,
}

/// Figures under one heading.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The figures.
    pub figures: Vec<PageFigure>,
}

/// A figure and how it was made.
#[derive(Clone, Debug)]
pub struct PageFigure {
    /// The name of its files.
    pub name: String,
    /// The figure.
    pub figure: Figure,
    /// How it was made.
    pub made: Making,
}

impl Table {
    /// The table as Markdown, without its title.
    pub fn to_markdown(&self) -> String {
        let header = self.header.iter().map(String::as_str).collect();
        Grid { header, rows: self.rows.clone() }.to_markdown(self.n_words)
    }
}

/// The page as an HTML document, the same for the same page. It asks for nothing over a network,
/// and can be read without its script.
pub fn to_html(page: &Page) -> String {
    let Page { title, lead, facts, scoreboard, tables, sections, receipts } = page;
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{}{}</style>\n</head>\n\
         <body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n<header>\n<h1>{}</h1>\n\
         <button type=\"button\" id=\"theme\" data-needs-script hidden>Dark theme</button>\n\
         </header>\n<main id=\"main\">\n",
        escaped(title),
        include_str!("page/style.css"),
        dark_figures(),
        escaped(title),
    );
    for paragraph in lead {
        put(&mut text, format_args!("<p>{}</p>\n", escaped(paragraph)));
    }
    push_facts(&mut text, facts);
    push_contents(&mut text, page);
    if let Some(it) = scoreboard {
        push_scoreboard(&mut text, it);
    }
    for it in tables {
        push_table(&mut text, it);
    }
    for section in sections {
        let (id, title) = (anchor(&section.title), escaped(&section.title));
        put(&mut text, format_args!("<section>\n<h2 id=\"{id}\">{title}</h2>\n"));
        for figure in &section.figures {
            push_figure(&mut text, figure);
        }
        text.push_str("</section>\n");
    }
    text.push_str("</main>\n<footer>\n");
    for receipt in receipts {
        put(&mut text, format_args!("<p>{}</p>\n", escaped(receipt)));
    }
    let script = include_str!("page/script.js");
    put(&mut text, format_args!("</footer>\n<script>\n{script}</script>\n</body>\n</html>\n"));
    text
}

fn push_facts(text: &mut String, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    text.push_str("<ul class=\"facts\">\n");
    for Fact { value, interval, name, detail } in facts {
        let interval = match interval.as_str() {
            "" => String::new(),
            it => format!(" <span class=\"interval\">{}</span>", escaped(it)),
        };
        put(
            text,
            format_args!(
                "<li><strong>{}{interval}</strong> {}<span class=\"detail\">{}</span></li>\n",
                escaped(value),
                escaped(name),
                escaped(detail)
            ),
        );
    }
    text.push_str("</ul>\n");
}

fn push_contents(text: &mut String, page: &Page) {
    let mut entries: Vec<(String, String)> = Vec::new();
    if page.scoreboard.is_some() {
        entries.push(("scoreboard".to_owned(), "Scoreboard".to_owned()));
    }
    entries.extend(page.tables.iter().map(|it| (anchor(&it.title), it.title.clone())));
    let figures = page.sections.iter().flat_map(|it| &it.figures);
    entries.extend(figures.map(|it| (it.name.clone(), short(it.figure.title()).to_owned())));
    text.push_str("<nav aria-label=\"On this page\">\n<ul>\n");
    for (id, name) in entries {
        put(text, format_args!("<li><a href=\"#{id}\">{}</a></li>\n", escaped(&name)));
    }
    text.push_str("</ul>\n</nav>\n");
}

/// What a title says before its colon: `Fig 13 (a)`.
fn short(title: &str) -> &str {
    title.split_once(':').map_or(title, |(short, _)| short)
}

fn push_scoreboard(text: &mut String, board: &Scoreboard) {
    let Scoreboard { rows, half_widths, reasons, not_run } = board;
    put(
        text,
        format_args!(
            "<section>\n<h2 id=\"scoreboard\">Scoreboard</h2>\n<p>{} Misses come first. \
             Calibrated: a parameter was fitted to the number. Predicted: none was. Exact: it \
             follows from a price, a formula or a published curve.</p>\n",
            escaped(&scoreboard::summary(rows))
        ),
    );
    text.push_str("<div class=\"filters\" data-needs-script hidden>\n");
    let kinds = [Kind::Exact, Kind::Calibrated, Kind::Predicted].map(Kind::name);
    push_filter(text, "Kind", "kind", &kinds);
    push_filter(text, "Verdict", "verdict", &[Verdict::Miss, Verdict::Pass].map(Verdict::name));
    text.push_str("<p id=\"shown\" role=\"status\"></p>\n</div>\n");
    text.push_str(
        "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"Scoreboard\">\n\
         <table class=\"sortable stack\" id=\"scoreboard-table\">\n<caption>Every published number \
         beside ours, with its 95 % interval where it is a mean over seeds.</caption>\n<thead>\n\
         <tr>",
    );
    let names = ["Figure", "Quantity", "Kind", "Paper", "Ours", "Error", "Tolerance", "Verdict"];
    for (index, name) in names.iter().enumerate() {
        let class = if (3..7).contains(&index) { " class=\"number\"" } else { "" };
        put(text, format_args!("<th scope=\"col\"{class}>{name}</th>"));
    }
    text.push_str("</tr>\n</thead>\n<tbody>\n");
    let mut ordered: Vec<&Row> = rows.iter().collect();
    ordered.sort_by_key(|it| it.verdict() == Verdict::Pass);
    for row in ordered {
        push_row(text, row, half_widths.get(&row.id).copied(), reasons.get(&row.id));
    }
    text.push_str("</tbody>\n</table>\n</div>\n");
    if !not_run.is_empty() {
        let listed = escaped(&not_run.join(", "));
        put(text, format_args!("<p>Published, but without a number of ours: {listed}.</p>\n"));
    }
    text.push_str("</section>\n");
}

fn push_filter(text: &mut String, label: &str, key: &str, values: &[&str]) {
    put(text, format_args!("<label>{label}<select data-filter=\"{key}\">"));
    text.push_str("<option value=\"\">all</option>");
    for value in values {
        put(text, format_args!("<option>{value}</option>"));
    }
    text.push_str("</select></label>\n");
}

fn push_row(text: &mut String, row: &Row, half_width: Option<f64>, reason: Option<&String>) {
    let verdict = row.verdict().name();
    let (error, size) = match (row.tolerance, row.rel_error()) {
        (Tolerance::PercentagePoints(_), _) => {
            let points = row.ours - row.paper;
            (format!("{} pp", signed(points, 2)), points.abs())
        }
        (_, Some(part)) => (format!("{} %", signed(100.0 * part, 2)), 100.0 * part.abs()),
        (_, None) => (crate::number::NONE.to_owned(), 0.0),
    };
    let interval = half_width.map_or(String::new(), |it| format!(" ± {}", two_digits(it)));
    let why = match (row.verdict(), reason) {
        (Verdict::Pass, _) => String::new(),
        (Verdict::Miss, Some(it)) => format!("<span class=\"why\">{}</span>", escaped(it)),
        (Verdict::Miss, None) => {
            "<span class=\"why\">No reason has been found yet.</span>".to_owned()
        }
    };
    let number = |it: f64| escaped(format!("{} {}", decimals(it), row.unit).trim_end());
    let ours = escaped(format!("{}{interval} {}", decimals(row.ours), row.unit).trim_end());
    put(
        text,
        format_args!(
            "<tr id=\"row-{}\" data-kind=\"{}\" data-verdict=\"{verdict}\">\
             <td data-name=\"Figure\">{}</td><th scope=\"row\">{}{why}</th>\
             <td data-name=\"Kind\">{}</td>\
             <td class=\"number\" data-name=\"Paper\" data-value=\"{}\">{}</td>\
             <td class=\"number\" data-name=\"Ours\" data-value=\"{}\">{ours}</td>\
             <td class=\"number\" data-name=\"Error\" data-value=\"{size:.4}\">{error}</td>\
             <td class=\"number\" data-name=\"Tolerance\">{}</td>\
             <td data-name=\"Verdict\"><span class=\"verdict {verdict}\">{verdict}</span></td>\
             </tr>\n",
            escaped(&row.id),
            row.kind.name(),
            escaped(&row.figure),
            escaped(&row.quantity),
            row.kind.name(),
            row.paper,
            number(row.paper),
            row.ours,
            row.tolerance.text(),
        ),
    );
}

fn push_table(text: &mut String, table: &Table) {
    let Table { title, caption, header, rows, n_words, made } = table;
    let (id, title) = (anchor(title), escaped(title));
    put(text, format_args!("<section>\n<h2 id=\"{id}\">{title}</h2>\n"));
    push_question(text, made.as_ref());
    put(
        text,
        format_args!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\">\n\
             <table class=\"sortable stack\">\n<caption>{}</caption>\n<thead>\n<tr>",
            escaped(caption)
        ),
    );
    let class = |index: usize| if index < *n_words { "" } else { " class=\"number\"" };
    for (index, name) in header.iter().enumerate() {
        put(text, format_args!("<th scope=\"col\"{}>{}</th>", class(index), escaped(name)));
    }
    text.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in rows {
        text.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            let name = escaped(header.get(index).map_or("", String::as_str));
            if index == 0 {
                put(text, format_args!("<th scope=\"row\">{cell}</th>"));
            } else {
                let class = class(index);
                put(text, format_args!("<td{class} data-name=\"{name}\">{cell}</td>"));
            }
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n</div>\n");
    if let Some(it) = made {
        push_making(text, it);
    }
    text.push_str("</section>\n");
}

fn push_question(text: &mut String, made: Option<&Making>) {
    if let Some(it) = made.filter(|it| !it.question.is_empty()) {
        put(text, format_args!("<p class=\"question\">{}</p>\n", escaped(&it.question)));
    }
}

fn push_making(text: &mut String, made: &Making) {
    let Making { question: _, sources, configuration, receipts } = made;
    put(
        text,
        format_args!(
            "<details><summary>How it was made</summary>\n<pre tabindex=\"0\">{}</pre>\n",
            escaped(configuration.trim_end())
        ),
    );
    if !sources.is_empty() {
        let sources = escaped(&sources.join("; "));
        put(text, format_args!("<p>Published numbers: {sources}.</p>\n"));
    }
    for it in receipts {
        put(text, format_args!("<p>{}</p>\n", escaped(it)));
    }
    text.push_str("</details>\n");
}

fn push_figure(text: &mut String, it: &PageFigure) {
    let PageFigure { name, figure, made } = it;
    let title = escaped(figure.title());
    put(text, format_args!("<figure id=\"{name}\">\n<h3>{title}</h3>\n"));
    push_question(text, Some(made));
    put(
        text,
        format_args!(
            "<div class=\"plot\" tabindex=\"0\" role=\"group\" aria-label=\"{title}\">\n{}</div>\n\
             <figcaption>{}</figcaption>\n",
            figure.plot_svg(),
            escaped(figure.caption()),
        ),
    );
    push_making(text, made);
    text.push_str("</figure>\n");
}

/// The colours of figures on a dark ground, for both ways to ask for one.
fn dark_figures() -> String {
    let rules = |scope: &str| {
        let mut text = String::new();
        for (light, dark) in dark_colors() {
            for key in ["fill", "stroke"] {
                put(&mut text, format_args!("{scope} svg [{key}=\"{light}\"]{{{key}:{dark}}}\n"));
            }
        }
        text
    };
    format!(
        "{}@media (prefers-color-scheme: dark) {{\n{}}}\n",
        rules(":root[data-theme=\"dark\"]"),
        rules(":root:not([data-theme=\"light\"])")
    )
}

/// A heading as the name of its place on the page.
fn anchor(title: &str) -> String {
    let signs = title.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' });
    signs.collect::<String>().to_ascii_lowercase()
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a text takes all that is written");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let row = |id: &str, ours| Row {
            id: id.to_owned(),
            figure: "Fig <1>".to_owned(),
            quantity: "a & b".to_owned(),
            unit: "%".to_owned(),
            paper: 50.0,
            ours,
            tolerance: Tolerance::PercentagePoints(1.0),
            kind: Kind::Predicted,
        };
        let page = Page {
            title: "<script>alert(1)</script>".to_owned(),
            scoreboard: Some(Scoreboard {
                rows: vec![row("near", 50.5), row("far", 60.0), row("further", 70.0)],
                half_widths: BTreeMap::from([("far".to_owned(), 0.25)]),
                reasons: BTreeMap::from([("far".to_owned(), "x < y".to_owned())]),
                not_run: vec!["other".to_owned()],
            }),
            ..Page::default()
        };
        let html = to_html(&page);
        assert!(!html.contains("<script>alert"));
        for expect in [
            "Fig &lt;1&gt;",
            "a &amp; b",
            "x &lt; y",
            "60 ± 0.25 %",
            "No reason has been found yet.",
            "without a number of ours: other.",
            "Within tolerance: 1 of 3 predicted.",
        ] {
            assert!(html.contains(expect), "{expect}");
        }
        // Misses first.
        let place = |id: &str| html.find(&format!("row-{id}\"")).unwrap();
        assert!(place("far") < place("further") && place("further") < place("near"));
    }

    #[test]
    fn a_page_asks_for_nothing() {
        let html = to_html(&Page::default());
        for word in ["http:", "https:", "src=", "url(", "@import", "fetch("] {
            assert!(!html.contains(word), "{word}");
        }
    }
}
