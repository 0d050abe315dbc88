//! Routes that stand beside an object of the user's.

use super::*;

fn copies() -> impl Iterator<Item = Bench> {
    benches().into_iter().filter(|bench| bench.is_copy)
}

fn source(bench: &Bench) -> ObjectRef {
    (bench.provider.beside)(&bench.canary).remove(0)
}

#[test]
fn the_users_own_object_is_never_written() {
    for mut bench in copies() {
        let before = bench.facts[&source(&bench)].clone();
        bench.forget();
        bench.prepare();
        bench.set(30);
        bench.set(0);
        assert_eq!(
            bench.facts[&source(&bench)],
            before,
            "{}",
            bench.provider.name
        );
    }
}

#[test]
fn a_copy_that_is_made_is_the_one_that_stands_there() {
    for mut bench in copies() {
        let before = bench.route().clone();
        bench.forget();
        bench.prepare();
        bench.set(30);
        bench.set(0);
        assert_eq!(*bench.route(), before, "{}", bench.provider.name);
    }
}

#[test]
fn without_the_users_own_object_nothing_can_be_made() {
    for mut bench in copies() {
        bench.facts.clear();
        let refused = (bench.provider.prepare)(&bench.canary, &bench.facts);
        assert!(
            matches!(refused, Err(RouteError::Missing { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn an_object_that_does_not_lead_to_the_apex_service_is_refused() {
    for mut bench in copies() {
        bench.canary.service.name = Some("other".to_owned());
        bench.forget();
        let refused = (bench.provider.prepare)(&bench.canary, &bench.facts);
        assert!(
            matches!(refused, Err(RouteError::Unnamed { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_changed_in_the_users_own_object_changes_in_the_copy_and_no_weight_does() {
    for mut bench in copies() {
        bench.set(30);
        let source = source(&bench);
        bench.facts.get_mut(&source).unwrap()["spec"]["ingressClassName"] = json!("another");
        bench.prepare();
        assert_eq!(bench.route()["spec"]["ingressClassName"], "another");
        assert_eq!(bench.read(), 30, "{}", bench.provider.name);
        bench.prepare();
        let again = (bench.provider.prepare)(&bench.canary, &bench.facts);
        assert_eq!(again, Ok(Vec::new()), "{}", bench.provider.name);
    }
}

#[test]
fn an_object_by_that_name_that_is_something_else_is_refused() {
    for mut bench in copies() {
        let live = bench.live();
        live["metadata"]["annotations"] = json!({});
        live["spec"] = json!({"http": [], "rules": []});
        let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert!(
            matches!(refused, Err(RouteError::Shape { .. })),
            "{refused:?}"
        );
    }
}
