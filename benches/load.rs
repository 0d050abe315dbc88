//! How long a repository of many manifests takes to be searched for its canary.

use kubectl_flagger::canary::load::load;
use kubectl_flagger::canary::source::SourceFile;

fn main() {
    divan::main();
}

/// 5,000 manifests of 2 kB; one holds a Canary, ten more mention the group.
#[divan::bench]
fn five_thousand_files(bencher: divan::Bencher<'_, '_>) {
    let canary = include_str!("../testdata/canaries/weighted.yaml");
    let line = |number: usize| {
        format!(
            "    some-key-{number}: some value of a manifest that has nothing to do with canaries\n"
        )
    };
    let other = format!(
        "apiVersion: v1\nkind: ConfigMap\ndata:\n{}",
        (0..27).map(line).collect::<String>()
    );
    let files: Vec<SourceFile> = (0..5000)
        .map(|number| SourceFile {
            path: format!("apps/{number}.yaml"),
            text: match number {
                2500 => canary.into(),
                n if n % 500 == 0 => format!("{other}# see flagger.app/\n").into(),
                _ => other.as_str().into(),
            },
        })
        .collect();
    bencher.bench(|| load(&files, Some("podinfo"), Some("test")));
}
