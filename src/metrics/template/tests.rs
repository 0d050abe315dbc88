//! Templates and what Go's own package makes of them.

use super::*;

fn facts() -> Facts {
    Facts {
        name: "checkout".to_owned(),
        namespace: "demo".to_owned(),
        target: "checkout-v2".to_owned(),
        service: "shop".to_owned(),
        ingress: "edge".to_owned(),
        route: "road".to_owned(),
        interval: "1m".to_owned(),
        variables: BTreeMap::from([
            ("dir".to_owned(), "in".to_owned()),
            ("path".to_owned(), "/a".to_owned()),
        ]),
    }
}

fn rendered(template: &str) -> String {
    render(template, &facts()).unwrap()
}

/// What is said, and the part of the template it is said about.
fn refused(template: &str) -> (String, &str) {
    let error = render(template, &facts()).unwrap_err();
    (error.why, &template[error.at])
}

#[test]
fn flaggers_functions_have_the_values_of_the_canary() {
    assert_eq!(
        rendered(
            "{{ name }} {{namespace}} {{target}} {{ service }} {{ ingress }} {{ route }} [{{ interval }}]"
        ),
        "checkout demo checkout-v2 shop edge road [1m]"
    );
}

#[test]
fn variables_are_reached_by_field_and_by_index() {
    assert_eq!(
        rendered("{{ variables.dir }}{{ (variables).path }}"),
        "in/a"
    );
    assert_eq!(
        rendered(r#"{{ index variables "dir" }}|{{ index variables "none" }}"#),
        "in|"
    );
}

#[test]
fn a_missing_variable_is_an_error_that_names_those_that_are_there() {
    assert_eq!(
        refused("a{{ variables.dri }}"),
        (
            "there is no \"dri\"; there is dir, path".to_owned(),
            "variables.dri"
        )
    );
}

#[test]
fn braces_of_promql_are_text() {
    let query = r#"sum(rate(a{ns="{{ namespace }}",b=~"x{2}"}[{{ interval }}]))"#;
    assert_eq!(rendered(query), r#"sum(rate(a{ns="demo",b=~"x{2}"}[1m]))"#);
}

#[test]
fn flaggers_own_example_of_a_variable_and_printf_works() {
    let query = r#"{{- $route := printf "kube_%s__%s__.*__%s" namespace ingress service }}
  sum(rate(skipper{route=~"{{ $route }}"}[{{ interval }}]))"#;
    assert_eq!(
        rendered(query).trim(),
        r#"sum(rate(skipper{route=~"kube_demo__edge__.*__shop"}[1m]))"#
    );
}

#[test]
fn trim_markers_take_the_space_beside_them_and_a_minus_alone_is_a_sign() {
    assert_eq!(rendered("a \n {{- name -}} \t b"), "acheckoutb");
    assert_eq!(rendered("a {{ name -}}\n b"), "a checkoutb");
    assert_eq!(rendered("a {{-3}}"), "a -3");
}

#[test]
fn comments_vanish() {
    assert_eq!(rendered("a{{/* {{ no */}}b {{- /* x */ -}} c"), "abc");
    assert!(refused("{{/* x */ name }}").0.contains("comment"));
}

#[test]
fn pipelines_hand_on_the_last_argument() {
    assert_eq!(
        rendered(r#"{{ name | printf "%s-%s" namespace }}"#),
        "demo-checkout"
    );
    assert_eq!(rendered(r#"{{ name | printf "%q" | len }}"#), "10");
    assert_eq!(
        rendered(r#"{{ printf "%d%% %v %.2f" 5 true 0.5 }}"#),
        "5% true 0.50"
    );
}

#[test]
fn conditions_choose() {
    let query = r#"{{ if eq namespace "prod" "demo" }}a{{ else if true }}b{{ else }}c{{ end }}"#;
    assert_eq!(rendered(query), "a");
    assert_eq!(
        rendered("{{ if and (ne name target) (lt 1 2) }}a{{ end }}"),
        "a"
    );
    assert_eq!(rendered("{{ if not name }}a{{ else }}b{{ end }}"), "b");
    assert_eq!(rendered(r#"{{ or "" name }}"#), "checkout");
    assert_eq!(
        rendered(r#"{{ if "" }}a{{ else if 0 }}b{{ else }}c{{ end }}"#),
        "c"
    );
}

#[test]
fn with_and_range_move_the_dot() {
    assert_eq!(
        rendered("{{ with variables.dir }}<{{ . }}>{{ end }}"),
        "<in>"
    );
    assert_eq!(rendered("{{ with variables }}{{ .path }}{{ end }}"), "/a");
    assert_eq!(
        rendered("{{ range $key, $value := variables }}{{ $key }}={{ $value }},{{ end }}"),
        "dir=in,path=/a,"
    );
    assert_eq!(
        rendered("{{ range variables }}{{ . }};{{ else }}none{{ end }}"),
        "in;/a;"
    );
    assert_eq!(rendered("{{ range 3 }}{{ . }}{{ end }}"), "012");
}

#[test]
fn a_variable_lives_in_its_block_and_can_be_set_from_inside() {
    let query = "{{ $x := name }}{{ if true }}{{ $x = target }}{{ $y := 1 }}{{ end }}{{ $x }}";
    assert_eq!(rendered(query), "checkout-v2");
    assert_eq!(
        refused("{{ if true }}{{ $y := 1 }}{{ end }}{{ $y }}"),
        ("there is no variable $y".to_owned(), "$y")
    );
}

#[test]
fn texts_are_written_in_both_of_gos_ways() {
    assert_eq!(rendered(r#"{{ "a\"b\\n" }}{{ `c\d` }}"#), r#"a"b\nc\d"#);
}

#[test]
fn what_is_unknown_is_an_error_at_its_place() {
    assert_eq!(refused("up{{ workload }}").1, "workload");
    assert!(
        refused("up{{ workload }}")
            .0
            .starts_with("there is no function workload")
    );
    assert_eq!(refused("a {{ name "), ("{{ without }}".to_owned(), "{{"));
    assert_eq!(refused("{{ if true }}x").0, "if without end");
    assert_eq!(
        refused("x{{ end }}"),
        ("nothing is open here".to_owned(), "{{ end }}")
    );
    assert!(refused("{{ template \"x\" }}").0.contains("not known"));
    assert_eq!(
        refused("{{ name target }}"),
        ("name takes nothing".to_owned(), "name")
    );
    assert_eq!(refused("{{ .name }}").0, "nil has no \"name\"");
    assert!(refused("{{ }}").0.contains("missing"));
    assert!(refused("{{ name & 1 }}").0.contains("means nothing"));
    assert!(
        refused(r#"{{ eq name 1 }}"#)
            .0
            .contains("cannot be compared")
    );
    assert!(
        refused(r#"{{ printf "%d" name }}"#)
            .0
            .contains("%d cannot show text")
    );
    assert!(
        refused(r#"{{ printf "%s" }}"#)
            .0
            .contains("nothing is left")
    );
    assert!(
        refused(r#"{{ printf "%.70000f" 0.5 }}"#)
            .0
            .contains("%.70000f is not known")
    );
    assert!(refused(r#"{{ "a }}"#).0.contains("without another"));
}

#[test]
fn no_template_takes_for_ever_or_all_of_the_stack() {
    let deep = format!("{{{{ {} }}}}", "(".repeat(100_000));
    assert_eq!(render(&deep, &facts()).unwrap_err().why, "too deep");
    let deep = "{{ if true }}".repeat(100_000);
    assert_eq!(render(&deep, &facts()).unwrap_err().why, "too deep");
    let query = "{{ range 9000 }}{{ range 9000 }}a{{ end }}{{ end }}";
    assert_eq!(refused(query).0, "range does not end");
}
