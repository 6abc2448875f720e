//! What is a text of metrics, and what a message says when it is none.

use super::*;

fn one(line: &str) -> Sample<'_> {
    samples(line, false).next().unwrap().unwrap()
}

fn problem(text: &str, open_metrics: bool) -> String {
    validate(text, open_metrics).unwrap_err().to_string()
}

#[test]
fn a_line_has_name_labels_value_and_time() {
    let text = "http_total{method=\"post\", code=\"200\",} 1027 1395066363000";
    let sample = one(text);
    assert_eq!((sample.name, sample.value), ("http_total", 1027.0));
    assert_eq!(sample.label("code"), "200");
    assert_eq!(sample.label("none"), "");
    assert_eq!(sample.at, Some(1_395_066_363_000.0));
    assert_eq!(one("up 1").labels, vec![]);
    assert_eq!(one("\t job:up:sum  { } -3.5e2 ").value, -350.0);
}

#[test]
fn values_may_be_no_numbers() {
    assert!(one("a NaN").value.is_nan());
    assert_eq!(one("a +Inf").value, f64::INFINITY);
    assert_eq!(one("a{le=\"+Inf\"} -Inf").value, f64::NEG_INFINITY);
}

#[test]
fn escapes_are_undone() {
    let sample = one(r#"a{path="C:\\DIR\\x",say="\"hi\"\nyou",n="\\n",end="\\"} 1"#);
    assert_eq!(sample.label("path"), r"C:\DIR\x");
    assert_eq!(sample.label("say"), "\"hi\"\nyou");
    assert_eq!(sample.label("n"), "\\n");
    assert_eq!(sample.label("end"), "\\");
    assert_eq!(one("a{b=\"ü{},=#\"} 1").label("b"), "ü{},=#");
}

#[test]
fn comments_and_blank_lines_are_no_samples() {
    let text = "# HELP a What\n# TYPE a counter\n#\n\n# anything # at all {\r\na 1\r\n\r\n";
    assert_eq!(validate(text, false), Ok(1));
    assert_eq!(validate("", false), Ok(0));
}

#[test]
fn exemplars_and_seconds_of_open_metrics_are_read() {
    let text = "# TYPE a histogram\n# UNIT a seconds\n\
                a_bucket{le=\"0.1\"} 8 1.5 # {trace_id=\"K\"} 0.067 1520879607.789\n\
                a_bucket{le=\"1\"} 9 # {} 0.7\n# EOF\n";
    assert_eq!(validate(text, true), Ok(2));
    let first = samples(text, true).next().unwrap().unwrap();
    assert_eq!(first.at, Some(1500.0));
    let exemplar = first.exemplar.unwrap();
    assert_eq!(exemplar.labels, vec![("trace_id", Cow::Borrowed("K"))]);
    assert_eq!(exemplar.at, Some(1_520_879_607_789.0));
}

#[test]
fn a_cut_text_is_found() {
    assert_eq!(
        problem("a 1\nb 2\n", true),
        "line 2: the text ends without \"# EOF\": it was cut"
    );
    assert_eq!(
        problem("# EOF\na 1", true),
        "line 2: \"a 1\" follows \"# EOF\""
    );
    assert_eq!(validate("a 1\n# EOF\n\n", true), Ok(1));
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (text, wanted) in [
        ("a 1\n<html>", "line 2: \"<html>\" is not a metric's name"),
        ("1a 1", "line 1: \"1a\" is not a metric's name"),
        ("a", "line 1: the value is missing"),
        ("a x", "line 1: the value: \"x\" is not a number"),
        ("a 1 y", "line 1: the timestamp: \"y\" is not a number"),
        ("a 1 2 3", "line 1: unexpected \"3\" at the end"),
        (
            "a{b=c} 1",
            "line 1: the value of the label \"b\" is not in quotes",
        ),
        (
            "a{b=\"c} 1",
            "line 1: the value of the label \"b\" is not in quotes",
        ),
        ("a{b} 1", "line 1: \"=\" is missing after the label \"b\""),
        ("a{0=\"1\"} 1", "line 1: \"0\" is not a label's name"),
        ("a{,} 1", "line 1: \",}\" is not a label's name"),
        (
            "a{b=\"1\" c=\"2\"} 1",
            "line 1: \",\" or \"}\" is missing after the label \"b\"",
        ),
        (
            "a{b=\"1\",b=\"2\"} 1",
            "line 1: the label \"b\" is there twice",
        ),
        (
            "a{b=\"\\t\"} 1",
            "line 1: \"\\t\" in the label \"b\" is no escape",
        ),
        ("a{b=\"\\", "line 1: \"\\\" in the label \"b\" is no escape"),
        ("a 1 # 5", "line 1: an exemplar begins with its labels"),
        ("# TYPE a meter", "line 1: \"meter\" is no type of a metric"),
        ("# TYPE a", "line 1: the type of \"a\" is missing"),
    ] {
        let got = problem(text, false);
        assert!(got.starts_with(wanted), "{text}: {got}");
    }
}
