//! Which containers match.

use super::*;

fn seen(name: &str, labels: &[(&str, &str)]) -> Seen {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Seen {
        id: "1".to_owned(),
        name: name.to_owned(),
        state: "running".to_owned(),
        image: "bb:1".to_owned(),
        labels: labels.iter().map(owned).collect(),
        networks: vec!["shop".to_owned()],
    }
}

#[test]
fn all_that_is_asked_for_must_hold() {
    let one = seen(
        "shop_api_1",
        &[
            ("app", "api"),
            ("com.docker.compose.project", "shop"),
            ("com.docker.compose.service", "api"),
        ],
    );
    let fits = |change: fn(&mut Containers)| {
        let mut which = Containers::default();
        change(&mut which);
        which.fits(&one)
    };
    assert!(fits(|_| {}));
    assert!(fits(|it| it.label = vec!["app".into(), "app=api".into()]));
    assert!(!fits(|it| it.label = vec!["app=web".into()]));
    assert!(fits(|it| it.compose = Some("shop".into())));
    assert!(!fits(|it| it.compose = Some("other".into())));
    assert!(fits(|it| it.service = Some("api".into())));
    assert!(!fits(|it| it.status = Some("exited".into())));
    assert!(fits(|it| it.status = Some("any".into())));
    assert!(!fits(|it| it.network = Some("back".into())));
    assert!(seen("x", &[(PROTECT, "true")]).protected());
    assert!(!seen("x", &[(PROTECT, "false")]).protected());
}

#[test]
fn a_name_is_the_whole_name_and_an_expression_is_found_in_it() {
    assert!(pattern("api.1").unwrap().is_match("api.1"));
    assert!(!pattern("api.1").unwrap().is_match("api-1"));
    assert!(!pattern("api").unwrap().is_match("api-1"));
    assert!(pattern("re:^api-").unwrap().is_match("api-1"));
    let error = pattern("re:(").unwrap_err();
    assert_eq!(error, "\"(\" is no regular expression");
}

#[test]
fn the_label_says_what_was_sought() {
    let which = Containers {
        label: vec!["app=api".to_owned()],
        pick: Pick::One,
        ..Containers::default()
    };
    assert_eq!(
        which.label(),
        "containers with label \"app=api\" (one of them)"
    );
    assert_eq!(Containers::one("web").label(), "container web");
}
