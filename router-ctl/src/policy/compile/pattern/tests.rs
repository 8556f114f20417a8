use super::*;

#[test]
fn expressions_mean_on_paths_what_they_mean_in_vyos() {
    for (expression, matching, other) in [
        ("^$", &[""][..], &["65001"][..]),
        (".*", &["", "1 2"], &[]),
        (
            "^65001_",
            &["65001", "65001 65002", "65001 {1,2}"],
            &["650011", "1 65001"],
        ),
        ("_65002$", &["65002", "65001 65002"], &["65002 1", "165002"]),
        (
            "_(65001|65002)_",
            &[
                "65001",
                "1 65002 3",
                "1 {65001,5}",
                "(65002 3) 4",
                "[1,65001]",
            ],
            &["650011", "165002", "65003"],
        ),
        (
            "_1_2_",
            &["1 2", "9 1 2 9", "{1,2}"],
            &["1 3 2", "12", "1 22"],
        ),
        (
            "^65001( 65001)*$",
            &["65001", "65001 65001"],
            &["65001 65002"],
        ),
        ("^[0-9]+$", &["65001"], &["", "1 2"]),
        ("^[[:digit:]]+ 2$", &["1 2"], &["2", "a 2"]),
        ("6500[1-3]", &["65001", "165003 7"], &["65004"]),
        (r"\{1,2\}$", &["5 {1,2}"], &["5 {1,3}", "1,2"]),
        ("[{]1", &["{1,2}"], &["1"]),
        ("^1[_]2$", &["1 2", "1,2"], &["1_2", "12"]),
        (r"^1\_2$", &["1_2"], &["1 2"]),
        ("[]{]", &["]", "{"], &["1", "}"]),
        ("[^][]x", &["1x"], &["]x", "[x"]),
        ("[&&~]", &["&", "~"], &["1"]),
        ("(65001|65002) 1.*$", &["65001 1 2"], &["65003 1"]),
        ("^65001 {1,3}2$", &["65001 2", "65001   2"], &["650012"]),
    ] {
        let pattern = Pattern::new(expression, Case::Significant).unwrap();
        for text in matching {
            assert!(pattern.matches(text), "{expression} on {text:?}");
        }
        for text in other {
            assert!(!pattern.matches(text), "{expression} on {text:?}");
        }
    }
}

#[test]
fn what_is_not_an_expression_or_too_large_is_refused() {
    let error = |expression| Pattern::new(expression, Case::Significant).unwrap_err();
    assert_eq!(
        error("(65001").to_string(),
        "not a regular expression: unclosed group"
    );
    assert_eq!(
        error("*").to_string(),
        "not a regular expression: repetition operator missing expression"
    );
    assert_eq!(error("((1{1000}){1000}){1000}"), PatternError::TooLarge);
}

#[test]
fn an_expression_that_ruins_backtracking_matchers_is_harmless() {
    let pattern = Pattern::new("^(([0-9]+ ?)+)+x$", Case::Significant).unwrap();
    assert!(!pattern.matches(&"1 ".repeat(2000)));
}
