//! `install.sh`, with a cargo that hands over the binary of this test instead of building one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::process::Output;

const CARGO: &str = "#!/bin/sh\nmkdir -p \"$CARGO_TARGET_DIR/release\"\ncp \"$BUILT\" \"$CARGO_TARGET_DIR/release/kubectl-flagger\"\n";

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Tools that the script uses, and those of the list, but nothing else of this machine.
fn tools(home: &Path, names: &[&str]) {
    let always = [
        "sh", "dirname", "basename", "cat", "cp", "chmod", "mv", "mkdir", "ln", "rm", "uname",
    ];
    for name in always {
        let real = ["/usr/bin", "/bin"]
            .iter()
            .map(|folder| Path::new(folder).join(name))
            .find(|path| path.exists())
            .unwrap();
        fs::create_dir_all(home.join("tools")).unwrap();
        std::os::unix::fs::symlink(real, home.join("tools").join(name)).unwrap();
    }
    for name in names {
        let text = if *name == "cargo" {
            CARGO
        } else {
            "#!/bin/sh\n"
        };
        program(&home.join("tools").join(name), text);
    }
}

fn install(home: &Path, args: &[&str]) -> Output {
    Command::new("/bin/sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"))
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("PATH", home.join("tools"))
        .env("BUILT", env!("CARGO_BIN_EXE_kubectl-flagger"))
        .env("CARGO_TARGET_DIR", home.join("target"))
        .current_dir(home)
        .output()
        .unwrap()
}

fn files_below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path.to_string_lossy().into_owned());
        }
    }
}

#[test]
fn it_installs_binary_completer_pages_and_completions_and_takes_all_of_it_away_again() {
    let home = tempfile::tempdir().unwrap();
    tools(home.path(), &["cargo", "cc"]);
    let output = install(home.path(), &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let local = home.path().join(".local");
    for file in [
        "bin/kubectl-flagger",
        "bin/kubectl_complete-flagger",
        "share/man/man1/kubectl-flagger.1",
        "share/man/man1/kubectl-flagger-promote.1",
        "share/bash-completion/completions/kubectl-flagger",
        "share/zsh/site-functions/_kubectl-flagger",
        "share/fish/vendor_completions.d/kubectl-flagger.fish",
    ] {
        assert!(local.join(file).exists(), "{file}\n{said}");
    }
    assert!(said.contains("is not on the PATH"), "{said}");
    let completed = Command::new(local.join("bin/kubectl_complete-flagger"))
        .arg("vers")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&completed.stdout),
        "version\tPrint the version\n:4\n"
    );

    assert!(install(home.path(), &["--uninstall"]).status.success());
    let mut left = Vec::new();
    files_below(&local, &mut left);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_prefix_may_be_relative() {
    let home = tempfile::tempdir().unwrap();
    tools(home.path(), &["cargo", "cc"]);
    let output = install(home.path(), &["--prefix", "there"]);
    assert!(output.status.success());
    assert!(home.path().join("there/bin/kubectl-flagger").exists());
}

#[test]
fn a_missing_cargo_or_compiler_is_named_with_what_to_install() {
    let home = tempfile::tempdir().unwrap();
    tools(home.path(), &["cc"]);
    let output = install(home.path(), &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("https://rustup.rs"),
        "{said}"
    );

    let home = tempfile::tempdir().unwrap();
    tools(home.path(), &["cargo", "apt-get"]);
    let output = install(home.path(), &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("apt-get install gcc libc6-dev"),
        "{said}"
    );
}

#[test]
fn an_unknown_argument_installs_nothing() {
    let home = tempfile::tempdir().unwrap();
    tools(home.path(), &["cargo", "cc"]);
    assert!(!install(home.path(), &["--prefx=/x"]).status.success());
    assert!(!home.path().join(".local").exists());
}
